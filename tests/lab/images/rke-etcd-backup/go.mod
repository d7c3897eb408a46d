module etcdrestore/tests/lab/rke-etcd-backup

go 1.24
