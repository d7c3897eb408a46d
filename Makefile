# What a person types. Everything below works alone; `make` says what there is.
SHELL := /bin/bash
JOBS := $(shell nproc)
LAB := tests/lab/lab
# e2e makes and removes labs as its cases need them: never the one that `make lab` or `make demo` left.
E2E_LAB ?= /var/lib/etcdrestore-e2e

.DEFAULT_GOAL := help
.PHONY: help packages deps program build release unit integration layers format-check e2e e2e-all lab lab-down \
	demo image bench test asan tsan format tidy api-reference clean

help:
	@sed -n 's/^\([a-z0-9 -]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 22

packages:  ## install Debian packages, build libssh2 and a small libcurl: all that the program needs (root)
	tests/deps/deps.sh

deps: packages  ## the same, and build the real programs that tests use: etcd, rke, Kubernetes, S3 (root)
	tests/lab/lab build

program: build/dev/build.ninja  ## compile the program alone: build/dev/operator/etcdrestore
	cmake --build --preset dev -j$(JOBS) --target etcdrestore

build: build/dev/build.ninja  ## compile all of it, tests too
	cmake --build --preset dev -j$(JOBS)

release: build/release/build.ninja  ## compile the program optimized: build/release/operator/etcdrestore
	cmake --build --preset release -j$(JOBS) --target etcdrestore

build/%/build.ninja:
	cmake --preset $*

unit: build  ## pure code, fakes, virtual time; the layers; a few seconds
	ctest --preset dev -j$(JOBS) --label-exclude integration --no-tests=error

integration: build  ## real sshd, real S3 server, on loopback
	ctest --preset dev -j$(JOBS) --label-regex integration --no-tests=error

layers:  ## every include is one that tests/layers.txt allows (also part of unit)
	tests/check_layers.sh

format-check:  ## every file is as clang-format writes it
	tests/check_format.sh

e2e: build  ## restore real RKE clusters in the lab, the short list (root)
	ETCDRESTORE_LAB=$(E2E_LAB) tests/e2e/run.sh quick

e2e-all: build  ## the same with every case (root)
	ETCDRESTORE_LAB=$(E2E_LAB) tests/e2e/run.sh all

lab:  ## bring up a real three-node RKE cluster on this machine (root)
	$(LAB) up

lab-down:  ## remove it without a trace (root)
	$(LAB) down

demo: deps program  ## wreck a cluster and get it back, with everything it needs (root)
	tests/lab/demo.sh

image: packages  ## build the Dockerfile as committed, without a registry, and try the image (root)
	tests/image/image.sh build
	tests/image/image.sh check

bench: release  ## measure: beside an operator on Go's controller-runtime, then against the real rke in the lab
	tests/bench/operator_bench.sh
	tests/bench/bench.sh

test:  ## all: deps build format-check tidy unit integration e2e; last line: N passed, N failed (root)
	@E2E_LAB=$(E2E_LAB) tests/all.sh

asan tsan: %: build/%/build.ninja  ## unit and integration tests under AddressSanitizer or ThreadSanitizer
	cmake --build --preset $@ -j$(JOBS)
	ctest --preset $@ -j$(JOBS) --no-tests=error

format:  ## let clang-format write every file
	tests/check_format.sh --fix

api-reference: build/dev/build.ninja  ## write docs/api.md from the schema
	cmake --build --preset dev -j$(JOBS) --target crds_test
	ETCDRESTORE_WRITE_REFERENCE=1 build/dev/tests/unit/crds/crds_test --gtest_filter='ApiReference.*'

tidy: program  ## clang-tidy over the sources of the program; what was found good once is remembered
	tests/tidy.sh

clean:  ## remove what was compiled; packages and the cache stay
	rm -rf build
