# One bridge for the nodes. Nothing is routed or translated beyond it: nodes have no internet.
# shellcheck shell=bash

net_up() {
  ip link show "$BRIDGE" >/dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  ip addr replace "$NET.1/24" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  echo "$BRIDGE" >"$LAB/bridge"
}

net_down() {
  local link
  for link in $(ip -o link show master "$BRIDGE" 2>/dev/null | awk -F'[ :@]+' '{ print $2 }'); do
    ip link del "$link" 2>/dev/null || true
  done
  ip link del "$BRIDGE" 2>/dev/null || true
}

# The host end of a node's cable; 15 characters at most.
link_of() { echo "$BRIDGE$1"; }

# plug NODE ADDRESS PID: gives the network namespace of PID its cable.
plug() {
  local node=$1 address=$2 pid=$3 link
  link=$(link_of "$node")
  ip link del "$link" 2>/dev/null || true
  ip link add "$link" type veth peer name eth0 netns "$pid"
  ip link set "$link" master "$BRIDGE" up
  nsenter --net=/proc/"$pid"/ns/net sh -c "
    ip link set eth0 up && ip addr add $address/24 dev eth0 && ip route add default via $NET.1
    ip link set lo up" 
}

cut_node() { ip link set "$(link_of "$1")" nomaster && say "$1 is cut off"; }
heal_node() { ip link set "$(link_of "$1")" master "$BRIDGE" && say "$1 is back on the network"; }
