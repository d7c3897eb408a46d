# Sourced. mirror PATTERN: the machine's own Debian mirror, whatever it is: the first URI of apt's sources that
# matches, of lines that offer a Debian suite.
# shellcheck shell=sh
mirror() {
  {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
      awk 'tolower($1) == "uris:" { for (i = 2; i <= NF; i++) print $i }'
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      awk '$1 == "deb" || $1 == "deb-src" { for (i = 2; i <= NF; i++) if ($i ~ /:\//) { print $i; break } }'
  } | grep "$1" | head -n 1
}
