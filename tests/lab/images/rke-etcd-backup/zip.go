package main

import (
	"archive/zip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

type entry struct {
	name, path string
	data       []byte
}

func stateEntry(name string) string { return "/etc/kubernetes/" + name + ".rkestate" }

// writeZip keeps the absolute entry names that rke-tools writes.
func writeZip(path string, entries []entry) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for _, e := range entries {
		out, err := archive.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Deflate})
		if err != nil {
			return err
		}
		if e.path == "" {
			if _, err := out.Write(e.data); err != nil {
				return err
			}
			continue
		}
		in, err := os.Open(e.path)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		in.Close()
		if err != nil {
			return err
		}
	}
	return archive.Close()
}

func extract(path, name, target string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, f := range archive.File {
		if f.Name != name {
			continue
		}
		in, err := f.Open()
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer out.Close()
		_, err = io.Copy(out, in)
		return err
	}
	return fmt.Errorf("File [%s] not found in file [%s]", name, path)
}

// clusterState reads what RKE keeps in the Secret kube-system/full-cluster-state.
func (o options) clusterState() ([]byte, error) {
	config, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	answer, err := client.Get("https://127.0.0.1:6443/api/v1/namespaces/kube-system/secrets/full-cluster-state")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the API server answered %s", answer.Status)
	}
	var secret struct{ Data map[string]string }
	if err := json.NewDecoder(answer.Body).Decode(&secret); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(secret.Data["full-cluster-state"])
}
