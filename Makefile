# sluice: one program in C that answers SQL over streams and files.  `make help` lists the targets.

CC      ?= cc
CXX     ?= c++
LEMON   ?= lemon
BUILD   ?= build
V       ?= 0
Q       := $(if $(filter 1,$(V)),,@)

JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
ifeq ($(MAKELEVEL),0)
  MAKEFLAGS += -j$(JOBS)
endif

DESTDIR ?=
prefix  ?= /usr/local
bindir  ?= $(prefix)/bin
mandir  ?= $(prefix)/share/man

VARIANT ?= release
ifeq ($(VARIANT),asan)
  OPT := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else ifeq ($(VARIANT),tsan)
  OPT := -O1 -fsanitize=thread -fno-omit-frame-pointer
else ifeq ($(VARIANT),ubsan)
  OPT := -O1 -fsanitize=undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else ifeq ($(VARIANT),debug)
  OPT := -O0
else ifeq ($(VARIANT),fuzz)
  CC  := clang
  CXX := clang++
  OPT := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
  OPT := -O2 -fno-semantic-interposition
endif
OBJ := $(if $(filter release,$(VARIANT)),$(BUILD)/obj,$(BUILD)/$(VARIANT)/obj)
BIN := $(if $(filter release,$(VARIANT)),$(BUILD),$(BUILD)/$(VARIANT))

WARN     := -Wall -Wextra -Wshadow -Werror=implicit-function-declaration
CPPFLAGS += -I. -I$(BUILD)/gen -D_GNU_SOURCE -DPCRE2_CODE_UNIT_WIDTH=8
CFLAGS   += -std=c17 -g $(OPT) $(WARN) -Wstrict-prototypes -Wmissing-prototypes -pthread
CXXFLAGS += -std=c++17 -g $(OPT) $(filter-out -Werror=%,$(WARN)) -pthread
LDFLAGS  += -pthread $(OPT)
LIBS     := -lsqlite3 -lreadline -lsimdjson -lpcre2-8 -lutf8proc -lxxhash -lz -lzstd -lm -l:libhttp_parser.a
ifeq ($(filter $(VARIANT),asan fuzz),)
LDFLAGS  += -static-libstdc++ -static-libgcc
endif

LAYERS   := $(wildcard common data parser store catalog io exec planner engine server shell)
SRC      := $(filter-out shell/main.c,$(sort $(shell find $(LAYERS) -name '*.c')))
SRCXX    := $(sort $(shell find $(LAYERS) -name '*.cpp'))
HEADERS  := $(sort $(shell find $(LAYERS) -name '*.h'))
OBJS     := $(SRC:%.c=$(OBJ)/%.o) $(SRCXX:%.cpp=$(OBJ)/%.o) $(if $(wildcard parser/grammar.y),$(OBJ)/gen/grammar.o)
UNIT     := $(sort $(wildcard tests/unit/*.c))
DEPS     := $(OBJS:.o=.d) $(OBJ)/shell/main.d $(UNIT:%.c=$(OBJ)/%.d) $(OBJ)/docs/gen/functions.d

.PHONY: all
all: $(BIN)/sluice ## build the program: build/sluice

$(BIN)/sluice: $(OBJ)/shell/main.o $(OBJS)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS)

# A stamp of compiler and flags: changing them rebuilds everything.
FLAGS := $(CC) $(CFLAGS) $(CPPFLAGS) $(CXX) $(CXXFLAGS)
$(OBJ)/flags: FORCE
	@mkdir -p $(@D); echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@
FORCE:

$(OBJ)/%.o: %.c $(OBJ)/flags | $(if $(wildcard parser/grammar.y),$(BUILD)/gen/grammar.h)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/%.o: %.cpp $(OBJ)/flags
	@mkdir -p $(@D)
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

# -c: without default reductions, which would come after the fallback of a keyword to a name.  lemon leaves a header alone
# that would not change, and make would call it out of date for ever: touch.
$(BUILD)/gen/grammar.c $(BUILD)/gen/grammar.h &: parser/grammar.y
	@mkdir -p $(BUILD)/gen
	$(Q)$(LEMON) -q -l -c -d$(BUILD)/gen $< && touch $(BUILD)/gen/grammar.h

$(OBJ)/gen/grammar.o: $(BUILD)/gen/grammar.c $(OBJ)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-unused-variable -Wno-unused-parameter -Wno-missing-prototypes -MMD -MP -c -o $@ $<

# One test program a file of tests/unit, linked with everything but main().
$(BIN)/tests/%: $(OBJ)/tests/unit/%.o $(OBJS)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS) $(shell pkg-config --libs check)

.PHONY: unit
unit: $(UNIT:tests/unit/%.c=$(BIN)/tests/%) ## build the unit tests
	
# The targets of the fuzzers over the inputs that are kept: tests/fuzz/corpus/NAME.
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(sort $(wildcard tests/fuzz/*.c)))
.PHONY: replay
replay: $(FUZZERS:%=$(BIN)/replay/%) ## build what runs the kept inputs of the fuzzers

$(BIN)/replay/%: $(OBJ)/tests/fuzz/%.o $(OBJ)/tests/fuzz/replay/main.o $(OBJS)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS)

.PHONY: docs
docs: $(BIN)/docs-functions $(BIN)/sluice ## write the reference pages that are made from the program
	$(Q)$(BIN)/docs-functions > docs/functions.md
	$(Q)$(BIN)/sluice server --print-permissions > docs/permissions.md

$(BIN)/docs-functions: $(OBJ)/docs/gen/functions.o $(OBJS)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(LIBS)

# ---- tests -----------------------------------------------------------------------------------------------------

CHECK    := python3 tests/check.py --bin $(BIN) --build $(BUILD) --cc "$(CC)"
FAST     := layers,headers,unit,sql,logic,functions,cli,memory,progress,engine,server,deploy,native,remote,parquet,laws,spill,fuzz
KILLS    ?= 50
FIRE_KILLS   ?= 30
FIRE_RECORDS ?= 2000000
CASES    ?= 5000
SEED     ?= 1

.PHONY: check check-fast check-crash check-property check-kafka check-kafka-long check-layers check-headers
check: deps ## run all tests; ends with "N passed, N failed"
	$(Q)$(MAKE) --no-print-directory all unit replay
	$(Q)$(CHECK) --suites $(FAST),security,property,crash,conformance,rest --kills 5

check-fast: all unit replay ## the tests without crashes and conformance
	$(Q)$(CHECK) --suites $(FAST)

check-crash: all ## kill -9 at random moments: KILLS=50
	$(Q)$(CHECK) --suites crash --kills $(KILLS)

check-property: all ## laws of random queries over random data: CASES=5000 SEED=1
	$(Q)$(CHECK) --suites property --cases $(CASES) --seed $(SEED)

check-kafka: all ## against Apache Kafka (KAFKA_HOME, SLUICE_TEST_BOOTSTRAP, or through Maven)
	$(Q)$(CHECK) --suites kafka

check-kafka-long: all ## exactly-once under fire: FIRE_KILLS=30 FIRE_RECORDS=2000000, minutes
	$(Q)FIRE_KILLS=$(FIRE_KILLS) FIRE_RECORDS=$(FIRE_RECORDS) $(CHECK) --suites kafka_long

check-layers: ## no include against the layers
	$(Q)$(CHECK) --suites layers

check-headers: $(BUILD)/gen/grammar.h ## each header compiles alone
	$(Q)$(CHECK) --suites headers

# Memory that is still held at exit is not an error of the program under test: no leak check for processes that end by exit().
.PHONY: asan tsan ubsan
asan tsan ubsan: ## build and test under a sanitizer
	$(Q)$(MAKE) --no-print-directory VARIANT=$@ all unit replay
	$(Q)$(MAKE) --no-print-directory VARIANT=$@ check-variant

.PHONY: check-variant
check-variant:
	$(Q)$(CHECK) --suites unit,sql,logic,functions,cli,memory,engine,server,security,native,remote,laws,spill,fuzz --name $(VARIANT)

# libFuzzer needs clang.  FUZZ_SECONDS each, starting from tests/fuzz/corpus/NAME and what is in build/fuzz/NAME.corpus.
FUZZ_SECONDS ?= 20
.PHONY: fuzz fuzz-run
fuzz: ## fuzz the parser, the decoders and whole queries: FUZZ_SECONDS=20 each, needs clang
	@command -v clang >/dev/null || { echo "make fuzz needs clang: apt-get install clang"; exit 1; }
	$(Q)$(MAKE) --no-print-directory VARIANT=fuzz $(FUZZERS:%=$(BUILD)/fuzz/%)
	$(Q)for f in $(FUZZERS); do mkdir -p $(BUILD)/fuzz/$$f.corpus; \
	  echo "fuzz: $$f, $(FUZZ_SECONDS) s"; \
	  $(BUILD)/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -print_final_stats=0 -verbosity=0 -close_fd_mask=3 -timeout=30 \
	    -artifact_prefix=$(BUILD)/fuzz/ $(BUILD)/fuzz/$$f.corpus $$(ls -d tests/fuzz/corpus/$$f 2>/dev/null) $$(ls -d tests/data/$${f#fuzz_} 2>/dev/null) || exit 1; done

$(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/fuzz/%.o $(OBJS)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

# ---- what users do ---------------------------------------------------------------------------------------------

.PHONY: demo
demo: deps ## build and show the main job in under a minute
	$(Q)$(MAKE) --no-print-directory all
	$(Q)SLUICE=$(abspath $(BUILD)/sluice) sh demo/demo.sh

.PHONY: examples
examples: $(patsubst examples/functions/%.c,$(BUILD)/examples/%.so,$(wildcard examples/functions/*.c)) ## build the libraries of functions in examples/

$(BUILD)/examples/%.so: examples/functions/%.c exec/func/sluice_function.h
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c17 $(WARN) -O2 -shared -fPIC -Iexec/func -o $@ $< -lm

.PHONY: bench
bench: all ## measure speed: bench/README.md (bench/analytics.py: questions over files, beside DuckDB)
	$(Q)python3 bench/run.py --bin $(BIN)/sluice

PACKAGES := gcc g++ make lemon pkg-config check python3 libreadline-dev libsqlite3-dev libsimdjson-dev libpcre2-dev \
            libutf8proc-dev libxxhash-dev zlib1g-dev libzstd-dev libhttp-parser-dev libnghttp2-dev libwslay-dev libwslay1 libcurl4-openssl-dev \
            libssl-dev libcrypt-dev openssl libsnappy1v5 liblz4-1 libbrotli1 librdkafka-dev

.PHONY: deps
deps: ## install missing packages through apt
	@command -v dpkg-query >/dev/null || { echo "not a Debian system; needed: $(PACKAGES)"; exit 0; }; \
	missing=; for p in $(PACKAGES); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] && exit 0; \
	echo "installing:$$missing"; sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	$$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null

.PHONY: install
install: all ## install the program and its manual page: DESTDIR, prefix
	install -D -m 755 $(BIN)/sluice $(DESTDIR)$(bindir)/sluice
	install -D -m 644 docs/sluice.1 $(DESTDIR)$(mandir)/man1/sluice.1
	install -D -m 644 exec/func/sluice_function.h $(DESTDIR)$(prefix)/include/sluice_function.h

compile_commands.json: FORCE ## for editors and clang tools
	@{ echo '['; sep=; for f in $(SRC) shell/main.c $(UNIT); do \
	  printf '%s{"directory": "%s", "file": "%s", "command": "%s"}' "$$sep" "$(CURDIR)" $$f '$(CC) $(CPPFLAGS) $(CFLAGS) -c '$$f; \
	  sep=",$$(printf '\nx')"; sep="$${sep%x}"; done; echo; echo ']'; } > $@

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(BUILD)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z][a-z .-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 24

-include $(DEPS)
.SECONDARY:
