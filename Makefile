SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

GO        ?= go
LDFLAGS   := -s -w
GOTOOL    := $(GO) tool -modfile=tools/go.mod
LINT      := .cache/golangci-lint

export CGO_ENABLED ?= 0

WINDOWS_TESTED := ./openjd/expr ./openjd/template ./openjd/job ./openjd/session/...

.PHONY: build
build: ## build bin/farmhand, a static binary
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/farmhand ./cmd/farmhand

.PHONY: cross
cross: ## check that it builds for macOS and Windows too
	GOOS=darwin GOARCH=arm64 $(GO) build -o /dev/null ./cmd/farmhand
	GOOS=windows GOARCH=amd64 $(GO) build -o /dev/null ./cmd/farmhand

.PHONY: demo
demo: build ## render a small animation on a farm of two workers, from nothing
	tools/demo

.PHONY: clients
clients: ## install the pinned AWS clients that the tests use, into this directory
	tools/clients

.PHONY: postgres
postgres: ## install the PostgreSQL server that the tests use, when there is none
	tools/postgres

.PHONY: users
users: ## make the users between whom the tests switch, when run by root
	tools/test-users

.PHONY: test
test: clients postgres users cross ## run all tests, with AWS's own clients
	FARMHAND_CLIENTS=required FARMHAND_POSTGRES=required FARMHAND_USERS=required $(GO) test -count=1 -timeout 30m $$($(GO) list ./... | grep -v '/interop$$')
	$(MAKE) test-windows
	$(MAKE) test-interop

.PHONY: test-windows
test-windows: ## run the Windows tests of the Open Job Description engine, under Wine
	tools/wine
	GOOS=windows GOARCH=amd64 $(GO) test -count=1 -timeout 10m -overlay .cache/wine/overlay.json -exec '$(CURDIR)/tools/wine' $(WINDOWS_TESTED)

.PHONY: test-interop
test-interop: clients users ## run AWS's own clients, and both workers, against farms; a line for each scenario
	cd interop && FARMHAND_CLIENTS=required $(GO) test -count=1 -timeout 30m -parallel 6

.PHONY: test-race
test-race: clients postgres ## run all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 FARMHAND_CLIENTS=required FARMHAND_POSTGRES=required $(GO) test -race ./...

.PHONY: differential
differential: clients ## compare expressions, templates, sessions and commands with OpenJD's Python packages, more than the tests do; SEED=n repeats a run
	$(GO) test -count=1 ./openjd/differential -v -timeout 30m -seed $(or $(SEED),1) -expressions 50000 -templates 10000 -sessions 300

.PHONY: bench
bench: ## measure what DESIGN's budgets name
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 6h ./internal/farmbench

.PHONY: bench-openjd
bench-openjd: clients ## measure Open Job Description beside its Python packages and, where there is a cargo, its Rust crates
	$(GO) run ./internal/openjdbench

.PHONY: lint
lint: $(LINT) ## check style
	$(LINT) run --allow-serial-runners

$(LINT): tools/go.mod tools/go.sum
	mkdir -p $(@D)
	$(GO) build -modfile=tools/go.mod -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: generate
generate: ## regenerate the API's code from its model
	$(GO) run ./internal/apigen
	$(GOTOOL) gofumpt -l -w deadline

.PHONY: fmt
fmt: $(LINT) ## format all code
	$(LINT) fmt

.PHONY: verify
verify: generate ## check that generated code, modules and formatting are what is committed
	$(GO) mod tidy -diff
	$(GO) mod verify
	@if [ -n "$$(git status --porcelain -- deadline)" ]; then \
		git --no-pager diff --stat -- deadline; echo 'generated code differs: commit what `make generate` writes' >&2; exit 1; fi

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
