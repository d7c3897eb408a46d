// A stand-in for rke-tools' rke-etcd-backup: the same sub-commands, flags, file names and zip entries.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

const backupDir = "/backup"

type options struct {
	name, cacert, cert, key, endpoints, localEndpoint string
	once, cleanup                                     bool
	creation, retention                               time.Duration
}

func parse(args []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("etcd-backup", flag.ContinueOnError)
	flags.StringVar(&o.name, "name", "", "")
	flags.StringVar(&o.cacert, "cacert", "", "")
	flags.StringVar(&o.cert, "cert", "", "")
	flags.StringVar(&o.key, "key", "", "")
	flags.StringVar(&o.endpoints, "endpoints", "127.0.0.1:2379", "")
	flags.StringVar(&o.localEndpoint, "local-endpoint", "", "")
	flags.BoolVar(&o.once, "once", false, "")
	flags.BoolVar(&o.cleanup, "cleanup", false, "")
	flags.DurationVar(&o.creation, "creation", 5*time.Minute, "")
	flags.DurationVar(&o.retention, "retention", 24*time.Hour, "")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if filepath.Base(o.name) != o.name && o.name != "" {
		return o, fmt.Errorf("name %q is a path", o.name)
	}
	return o, nil
}

// save takes a snapshot of this member and leaves only the zip, as rke-tools does.
func (o options) save(name string) error {
	db := filepath.Join(backupDir, name)
	cmd := exec.Command("/usr/local/bin/etcdctl", "--endpoints="+o.endpoints, "--cacert="+o.cacert,
		"--cert="+o.cert, "--key="+o.key, "snapshot", "save", db)
	cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("etcdctl snapshot save: %w: %s", err, out)
	}
	if os.Getenv("LAB_BACKUP_RAW") != "" {
		return os.Chmod(db, 0o600)
	}
	entries := []entry{{name: db, path: db}}
	if state, err := o.clusterState(); err != nil {
		log.Printf("level=warning msg=\"Failed to get cluster state: %v\"", err)
	} else {
		entries = append(entries, entry{name: stateEntry(name), data: state})
	}
	if err := writeZip(db+".zip", entries); err != nil {
		return err
	}
	log.Printf("level=info msg=\"Created local backup\" name=%s", name)
	return os.Remove(db)
}

func (o options) roll() error {
	for {
		name := time.Now().Format(time.RFC3339) + "_etcd"
		if err := o.save(name); err != nil {
			log.Printf("level=error msg=%q", err)
		}
		o.forget()
		time.Sleep(o.creation)
	}
}

// forget deletes recurring snapshots older than the retention, oldest first.
func (o options) forget() {
	files, _ := filepath.Glob(backupDir + "/*_etcd*")
	sort.Strings(files)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) > o.retention {
			_ = os.Remove(file)
		}
	}
}

func (o options) tlsConfig() (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(o.cacert)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool}, nil
}

// serve unpacks a zip over the plain file first, then offers it on etcd's own client port.
func (o options) serve() error {
	db := filepath.Join(backupDir, o.name)
	if _, err := os.Stat(db + ".zip"); err == nil {
		if err := extract(db+".zip", db, db); err != nil {
			return err
		}
	}
	if _, err := os.Stat(db); err != nil {
		return err
	}
	config, err := o.tlsConfig()
	if err != nil {
		return err
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	mux := http.NewServeMux()
	mux.HandleFunc("/"+o.name, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, db) })
	server := &http.Server{Addr: "0.0.0.0:2379", Handler: mux, TLSConfig: config}
	return server.ListenAndServeTLS("", "")
}

// download truncates its target before the first byte arrives: the real one does, and that matters.
func (o options) download() error {
	if o.localEndpoint == "" {
		return errors.New("failed to download s3 backup: no backups found")
	}
	config, err := o.tlsConfig()
	if err != nil {
		return err
	}
	// RKE dials by address; the real program trusts the certificate whatever its name says.
	config.InsecureSkipVerify = true
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	file, err := os.OpenFile(filepath.Join(backupDir, o.name), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	var answer *http.Response
	for try := 0; try < 4; try++ {
		if answer, err = client.Get("https://" + o.localEndpoint + ":2379/" + o.name); err == nil {
			break
		}
		time.Sleep(time.Second)
	}
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("backup server answered %s", answer.Status)
	}
	_, err = io.Copy(file, answer.Body)
	return err
}

func (o options) remove() error {
	db := filepath.Join(backupDir, o.name)
	if o.cleanup {
		if _, err := os.Stat(db + ".zip"); err == nil {
			_ = os.Remove(db)
		}
		return nil
	}
	_ = os.Remove(db)
	_ = os.Remove(db + ".zip")
	return nil
}

func run(args []string) error {
	if len(args) < 2 || args[0] != "etcd-backup" {
		return errors.New("usage: rke-etcd-backup etcd-backup save|delete|download|extractstatefile|serve")
	}
	o, err := parse(args[2:])
	if err != nil {
		return err
	}
	switch strings.ToLower(args[1]) {
	case "save":
		if o.once {
			return o.save(o.name)
		}
		return o.roll()
	case "serve":
		return o.serve()
	case "download":
		return o.download()
	case "delete":
		return o.remove()
	case "extractstatefile":
		return extract(filepath.Join(backupDir, o.name+".zip"), stateEntry(o.name), "/tmp/cluster.rkestate")
	}
	return fmt.Errorf("unknown command %q", args[1])
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatalf("level=fatal msg=%q", err)
	}
}
