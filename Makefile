GOLANGCI := go tool -modfile=.ci/tools/go.mod golangci-lint
FUZZTIME ?= 10s
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.PHONY: help run test race bench bench-big fuzz fmt lint licences build docker ci clean chaos

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-9s %s\n", $$1, $$2}'

run: ## the real bridge between two stand-ins, to watch it work
	go run ./cmd/dingbridge demo

test: ## all tests; those of PostgreSQL start a server of their own
	.ci/postgres
	go test -timeout 20m ./...

race: ## all tests under the race detector
	.ci/postgres
	go test -race -timeout 20m ./...

bench: ## the benchmarks; the table of the whole bridge comes last
	go test -run '^$$' -bench . -benchtime 0.3s -benchmem ./mapping ./bridge/store
	go test -run '^$$' -bench '^BenchmarkDecode$$' -benchtime 3x ./odoo
	go test -run '^$$' -bench '^BenchmarkBridge$$' -benchtime 1x -timeout 30m ./bridge

bench-big: ## what a record costs in a company of 100 000 people: takes minutes, and 3 GB for the stand-ins
	go test -run '^$$' -bench '^BenchmarkScale$$' -benchtime 1x -timeout 60m ./bridge

fuzz: ## every fuzz target for FUZZTIME (10s), one after the other
	@grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z]+' -H . | sed -E 's/^(.*)\/[^/]*:func (.*)/\1 \2/' | sort -u | while read -r package target; do \
		go test $$package -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) || exit 1; done

SEED     ?= 1
ROUNDS   ?= 100
REPLICAS ?= 1

chaos: ## edits, faults and crashes at random, then both sides must agree: SEED=1 ROUNDS=300 REPLICAS=2 KINDS=none
	CHAOS_KINDS=$(KINDS) CHAOS_SEED=$(SEED) CHAOS_ROUNDS=$(ROUNDS) CHAOS_REPLICAS=$(REPLICAS) go test ./bridge/chaos -run '^TestConvergence$$' -count=1 -v -timeout 0

fmt: ## format the code
	$(GOLANGCI) fmt

lint: ## vet, formatting and linters
	go vet ./...
	$(GOLANGCI) fmt --diff
	$(GOLANGCI) run

licences: ## write docs/licences.md: what is linked, and under which licence
	UPDATE_LICENCES=1 go test -count 1 -run '^TestLicences$$' ./cmd/dingbridge

build: ## a static binary: bin/dingbridge
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/dingbridge ./cmd/dingbridge

docker: ## the container image dingbridge:VERSION
	docker build --build-arg VERSION=$(VERSION) -t dingbridge:$(VERSION) .

ci: ## everything the continuous integration checks
	.ci/run

clean: ## remove what build makes
	rm -rf bin
