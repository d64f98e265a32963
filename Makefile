# What is built, and from what; `make` builds what is out of date. Everything built is in dist/, schemas/generated/ and the
# folders build/, none of it in git. Native code is in a folder of its platform's own, as Node names it:
# `make native CPU=arm64 SYSROOT=DIR` cross-compiles (.ci/package does it for the package).
HOST := $(shell node -p process.arch)
CPU := $(HOST)
NATIVE := dist/native/linux-$(CPU)
ifeq ($(CPU),$(HOST))
  TRIPLET := $(shell gcc -print-multiarch)
  INCLUDE := /usr/include/$(TRIPLET)
else
  TRIPLET := $(patsubst arm64,aarch64,$(CPU))-linux-gnu
  INCLUDE := /usr/$(TRIPLET)/include
  FLAGS := -B$(SYSROOT)/usr/lib/$(TRIPLET) -isystem$(SYSROOT)/usr/include -isystem$(SYSROOT)/usr/include/$(TRIPLET)
  export CC := $(TRIPLET)-gcc $(FLAGS)
  export CXX := $(TRIPLET)-g++ $(FLAGS)
endif
BPF := $(patsubst bpf/%.bpf.c,$(NATIVE)/bpf/%.bpf.o,$(wildcard bpf/*.bpf.c))
# C beside the runtime and the stages, which schemas/compile/ turns into WebAssembly
KERNELS := $(wildcard schemas/pipe/scan/*.h transforms/*/*.[ch] sinks/*/*.[ch])
LAYOUTS := $(wildcard schemas/pipe/scan/*layout.ts transforms/*/*.layout.ts sinks/*/*.layout.ts)
TYPESCRIPT := $(shell find collector schemas sinks transforms -path schemas/generated -prune -o \
	-type f \( -name '*.ts' -o -name '*.cjs' -o -name '*.json' -o -path '*/page/*' \) -print) \
	collector/replay/sample.ndjson tsconfig.json package.json node_modules/.package-lock.json
# npm brings node-gyp, and a Node that is installed brings its headers: no download.
GYP = $(or $(shell command -v node-gyp),node $(shell npm root -g)/npm/node_modules/node-gyp/bin/node-gyp.js)
NODE = $(shell node -p 'require("path").resolve(process.execPath, "../..")')
NODEDIR = $(if $(wildcard $(NODE)/include/node/node_api.h),--nodedir=$(NODE))

all: native dist/index.js

native: $(BPF) $(NATIVE)/collector.node $(NATIVE)/pipe.node

$(NATIVE)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h)
	@mkdir -p $(@D)
	clang -g -O2 -mcpu=v3 -Wall -Wextra -Werror -target bpf -D__TARGET_ARCH_$(patsubst x64,x86,$(CPU)) -I$(INCLUDE) -c $< -o $@.tmp
	llvm-strip -g $@.tmp
	@mv $@.tmp $@

$(NATIVE)/collector.node: $(wildcard collector/*.cc collector/*.c collector/*.h) collector/binding.gyp bpf/attempt.h bpf/dns_packet.h
	cd collector && $(GYP) rebuild --arch=$(CPU) $(NODEDIR) --silent >/dev/null
	@mkdir -p $(@D)
	cp collector/build/Release/collector.node $@

$(NATIVE)/pipe.node: $(wildcard schemas/pipe/native/*.[ch]) $(KERNELS) schemas/pipe/native/binding.gyp schemas/generated/scan.c
	cd schemas/pipe/native && $(GYP) rebuild --arch=$(CPU) $(NODEDIR) --silent >/dev/null
	@mkdir -p $(@D)
	cp schemas/pipe/native/build/Release/pipe.node $@

# The package brings what is generated, and not what it is generated from.
ifneq ($(wildcard schemas/compile/compile.ts),)
schemas/generated/scan.c: $(wildcard schemas/compile/*.ts schemas/compile/*/*.ts schemas/*.schema.json schemas/formats.cjs \
	schemas/where/kind.ts schemas/pipe/scan/webassembly.ts) $(KERNELS) $(LAYOUTS) package.json node_modules/.package-lock.json
	node --import tsx schemas/compile/compile.ts
endif

dist/index.js: schemas/generated/scan.c $(TYPESCRIPT)
	node_modules/.bin/tsc
	node --import tsx schemas/build/build.ts

clean:
	rm -rf dist schemas/generated collector/build schemas/pipe/native/build

.PHONY: all native clean
