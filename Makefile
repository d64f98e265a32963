# What is built, and from what; `make` builds what is out of date. Everything built is in dist/, schemas/generated/ and
# collector/build/, none of it in git.
ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m)))
BPF := $(patsubst bpf/%.bpf.c,dist/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))
TYPESCRIPT := $(wildcard schemas/*.ts schemas/*.cjs schemas/*.json schemas/pipe/*.ts schemas/pipe/*/*.ts schemas/pipe/*/*.h schemas/compile/*.ts schemas/where/*.ts collector/*.ts transforms/*.ts \
	transforms/*/*.ts sinks/*.ts sinks/*/*.ts sinks/*/page/*) tsconfig.json package.json node_modules/.package-lock.json
# npm brings node-gyp, and a Node that is installed brings its headers: no download.
GYP := $(or $(shell command -v node-gyp),node $(shell npm root -g)/npm/node_modules/node-gyp/bin/node-gyp.js)
NODE := $(shell node -p 'require("path").resolve(process.execPath, "../..")')
NODEDIR := $(if $(wildcard $(NODE)/include/node/node_api.h),--nodedir=$(NODE))

all: $(BPF) dist/collector/collector.node dist/index.js

dist/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	clang -g -O2 -mcpu=v3 -Wall -Wextra -Werror -target bpf -D__TARGET_ARCH_$(ARCH) -I/usr/include/$(shell gcc -print-multiarch) -c $< -o $@.tmp
	llvm-strip -g $@.tmp
	@mv $@.tmp $@

dist/collector/collector.node: $(wildcard collector/*.cc collector/*.c collector/*.h) collector/binding.gyp bpf/attempt.h bpf/dns_packet.h
	cd collector && $(GYP) rebuild $(NODEDIR) --silent >/dev/null
	@mkdir -p $(@D)
	cp collector/build/Release/collector.node $@

dist/index.js: $(TYPESCRIPT)
	node --import tsx schemas/compile.ts
	node_modules/.bin/tsc
	node --import tsx schemas/build.ts

clean:
	rm -rf dist schemas/generated collector/build

.PHONY: all clean
