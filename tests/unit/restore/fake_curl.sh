#!/bin/sh
# curl that answers as etcd 3.5.35 did, one line a question. $FAKE_DOCKER/leader names the leader.
[ "$1" != --version ] || exit 0
asked=$(cat)
printf '%s\n' "$asked" >>"$FAKE_DOCKER/curl"
header='"header":{"cluster_id":"15118495548433857066","member_id":"13668033151171901709","revision":"434","raft_term":"2"}'
case $asked in
  *maintenance/hashkv*)
    [ ! -e "$FAKE_DOCKER/no-hash" ] || exit 22
    printf '{%s,"count":"295"}\n{%s,"hash":336337781,"compact_revision":"-1"}\n' "$header" "$header"
    printf '{%s,"members":[{"ID":"13668033151171901709","name":"etcd-n1","peerURLs":["https://10.0.0.1:2380"]}]}\n' "$header"
    printf '{%s,"alarms":[{"memberID":"13668033151171901709","alarm":"NOSPACE"}]}\n' "$header" ;;
  *maintenance/status*) printf '{%s,"version":"3.5.35","dbSize":"20480","leader":"%s"}\n' "$header" "$(cat "$FAKE_DOCKER/leader")" ;;
esac
