# mini_sendmail: `make` builds the programs into this directory, `make help`
# lists the rest. CFLAGS, CPPFLAGS and LDFLAGS are yours; ours are ALL_*.

VERSION := $(shell cat VERSION)
MODE    ?= release
WERROR  ?=
CC      ?= cc
PREFIX  ?= /usr/local
DESTDIR ?=

B := build/$(MODE)
# The programs of a release stand in the root; those of other modes in build/.
BIN := $(if $(filter release,$(MODE)),.,$(B))

PROGRAMS := mini_sendmail jailsh flushd flushctl
DIR_mini_sendmail := sendmail
DIR_jailsh        := jailsh
DIR_flushd        := flushd
DIR_flushctl      := flushctl

.PHONY: all
all: $(PROGRAMS:%=$(BIN)/%)

# ---- compiler ---------------------------------------------------------------

# $(call supported,FLAG...): those that this compiler takes without a warning.
supported = $(foreach f,$(1),$(shell echo 'int x;' | \
	$(CC) -Werror $(f) -x c -c -o /dev/null - 2>/dev/null && echo $(f)))

WARN := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
	-Wold-style-definition -Wundef -Wvla -Wwrite-strings -Wcast-qual \
	-Wcast-align -Wnull-dereference -Wswitch-enum -Wimplicit-fallthrough \
	$(call supported,-Wlogical-op -Wduplicated-cond -Wformat-signedness)
HARDEN := -fstack-protector-strong -fno-delete-null-pointer-checks \
	-fno-strict-overflow -fno-strict-aliasing \
	$(call supported,-fstack-clash-protection -ftrivial-auto-var-init=zero \
	-fstrict-flex-arrays=3 -fcf-protection=full -mbranch-protection=standard)

CFLAGS_release := -O2 -g
CPPFLAGS_release := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
CFLAGS_asan := -O1 -g -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS_asan := -fsanitize=address,undefined
CFLAGS_fuzz := $(CFLAGS_asan) -fsanitize=fuzzer-no-link
LDFLAGS_fuzz := $(LDFLAGS_asan)
CFLAGS_cover := -O0 -g --coverage
LDFLAGS_cover := --coverage
CFLAGS_analyze := -O1 -fanalyzer -Wno-analyzer-too-complex

ALL_CPPFLAGS := -Isrc -D_GNU_SOURCE -DVERSION='"$(VERSION)"' \
	$(CPPFLAGS_$(MODE)) $(CPPFLAGS)
ALL_CFLAGS := -std=c17 -fPIE $(WARN) $(if $(WERROR),-Werror) $(HARDEN) \
	$(CFLAGS_$(MODE)) $(CFLAGS)
ALL_LDFLAGS := -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed \
	$(LDFLAGS_$(MODE)) $(LDFLAGS)

# LMDB always comes from its static library, so that every program reads and
# writes spools with the very same code. The jail's programs are wholly static,
# but for the sanitizers, which cannot be.
SPOOL_LIBS := -l:liblmdb.a -l:libxxhash.a -pthread
LINK_mini_sendmail := $(if $(filter asan,$(MODE)),-pie,-static-pie)
LIBS_mini_sendmail := $(SPOOL_LIBS)
LINK_jailsh   := $(LINK_mini_sendmail)
LINK_flushd   := -pie
LIBS_flushd   := $(SPOOL_LIBS) -linih -ljansson -lseccomp -lsystemd
LINK_flushctl := -pie
LIBS_flushctl := $(SPOOL_LIBS) -linih -ljansson -lseccomp -lsystemd

# ---- programs ---------------------------------------------------------------

# One archive holds every module; a program is its main.c and the archive, so
# the linker gives each only what it uses, and tests link what ships.
SRC     := $(wildcard src/*/*.c)
MAINS   := $(wildcard src/*/main.c)
MODULES := $(filter-out $(MAINS),$(SRC))
OBJ     := $(SRC:%.c=$(B)/%.o)
ARCHIVE := $(B)/modules.a

$(ARCHIVE): $(MODULES:%.c=$(B)/%.o)
	@rm -f $@
	$(AR) rcs $@ $^

.SECONDEXPANSION:
$(PROGRAMS:%=$(BIN)/%): $(BIN)/%: $(B)/src/$$(DIR_%)/main.o $(ARCHIVE)
	$(CC) $(LINK_$*) $(ALL_LDFLAGS) -o $@ $^ $(LIBS_$*)

$(B)/%.o: %.c VERSION Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# ---- tests ------------------------------------------------------------------

UNIT := $(wildcard tests/unit/*.c)
UNIT_OBJ := $(UNIT:%.c=$(B)/%.o)

$(UNIT_OBJ): ALL_CPPFLAGS += -Itests

$(B)/unit: $(UNIT_OBJ) $(ARCHIVE)
	$(CC) -pie $(ALL_LDFLAGS) -o $@ $^ $(SPOOL_LIBS) -linih -lsystemd -lseccomp -ljansson \
		-lcheck $(call if_there,subunit) -lrt -lm

if_there = $(if $(shell pkg-config --exists lib$(1) && echo y),-l$(1))

# Negative controls, build/$(MODE)/controls/DEFECT/PROGRAM: a program as it ships,
# but for one function that tests/faults/controls/DEFECT.c puts in its place. And
# one without a defect, whose clock skips what would be a long wait.
CONTROLS := $(addprefix $(B)/controls/,nosync/mini_sendmail nosync/flushd \
	early_commit/flushd late_report/flushd early_answer/mini_sendmail \
	late_error/mini_sendmail unflushed/flushctl unverified/flushd unwary/flushd \
	hurry/flushd outlaw/flushd hasty/mini_sendmail \
	undead/mini_sendmail unsettled/mini_sendmail unsettled/flushd \
	unlisted/mini_sendmail unlisted/flushd early_word/mini_sendmail \
	blind/mini_sendmail keeper/mini_sendmail keeper/flushd)
WRAP_nosync       := mdb_env_open
WRAP_early_commit := delivery_read
WRAP_late_report  := delivery_report
WRAP_early_answer := spool_commit
WRAP_late_error   := pwrite pwrite64
WRAP_unflushed    := fsync
WRAP_unverified   := spool_verify
WRAP_unwary       := caution_format
WRAP_undead       := flock
WRAP_unsettled    := share_settle
WRAP_unlisted     := environment_put
WRAP_early_word   := share_take
WRAP_blind        := staged_withdraw
WRAP_keeper       := staged_acknowledge
WRAP_outlaw       := delivery_read syscalls_restrict landlock_enter

DEFECTS := $(wildcard tests/faults/controls/*.c)

# Each sender's patience can be told by its environment.
PATIENCE_mini_sendmail := $(B)/tests/faults/controls/hasty.o
WRAP_mini_sendmail     := visit_open

$(CONTROLS): $(B)/controls/%: $(B)/tests/faults/controls/$$(*D).o \
		$$(PATIENCE_$$(*F)) $(B)/src/$$(DIR_$$(*F))/main.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(CC) $(LINK_$(*F)) $(ALL_LDFLAGS) $(WRAP_$(*D):%=-Wl,--wrap=%) \
		$(WRAP_$(*F):%=-Wl,--wrap=%) -o $@ $^ \
		$(LIBS_$(*F))

# What the experiments look and cut with: build/$(MODE)/tools/NAME.
TOOL_SRC := $(wildcard tests/faults/tools/*.c)
TOOLS := $(TOOL_SRC:tests/faults/tools/%.c=$(B)/tools/%)

$(TOOLS): $(B)/tools/%: $(B)/tests/faults/tools/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	$(CC) -pie $(ALL_LDFLAGS) -o $@ $^ $(SPOOL_LIBS)

.PHONY: test unit e2e faults test-system
test: unit replay all $(CONTROLS) $(TOOLS)
	$(TEST_ENV) prove tests/e2e tests/faults tests/system

unit: $(B)/unit
	$(B)/unit

# The leak checker needs /proc, which a worker in its chroot has not; leaks are
# the unit tests' to find.
TEST_ENV_asan := ASAN_OPTIONS=detect_leaks=0
TEST_ENV = $(TEST_ENV_$(MODE)) BIN=$(abspath $(BIN)) \
	CONTROLS=$(abspath $(B)/controls) TOOLS=$(abspath $(B)/tools)

e2e: all $(TOOLS)
	$(TEST_ENV) prove tests/e2e

# The package, in a machine of its own with a real systemd.
test-system: all
	$(TEST_ENV) prove --timer tests/system

# `make test` runs a share of the faults, this all, and says what they found.
faults: all $(CONTROLS) $(TOOLS)
	@rm -f $(B)/faults.tsv
	@status=0; export FAULTS_LONG=1 FAULTS_TABLE=$(abspath $(B)/faults.tsv); \
		$(TEST_ENV) prove --timer tests/faults || status=$$?; \
		tests/faults/table $(B)/faults.tsv && exit $$status

# ---- fuzzing ----------------------------------------------------------------

# tests/fuzz/fuzz_NAME.c is a target, tests/fuzz/corpus/NAME what was found for
# it so far. MODE=fuzz links it with libFuzzer, which comes with clang; any
# other mode with the main of replay.c, which reads the corpus again.
FUZZ_CC  ?= clang
FUZZ_SEC ?= 60
TARGETS  := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ     ?= $(TARGETS) damage

FUZZERS  := $(TARGETS:%=$(B)/fuzz_%)
FUZZ_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/fuzz/*.c))
FUZZ_SHARED := $(filter-out %/damage.o $(B)/tests/fuzz/fuzz_%,$(FUZZ_OBJ))

$(FUZZ_OBJ): ALL_CPPFLAGS += -Itests

$(B)/fuzz.a: $(FUZZ_SHARED)
	@rm -f $@
	$(AR) rcs $@ $^

$(FUZZERS): FUZZ_LINK := $(if $(filter fuzz,$(MODE)),-fsanitize=fuzzer)
$(FUZZERS) $(B)/damage: $(B)/%: $(B)/tests/fuzz/%.o $(B)/fuzz.a $(ARCHIVE)
	$(CC) -pie $(ALL_LDFLAGS) $(FUZZ_LINK) -o $@ $^ $(SPOOL_LIBS) \
		-ljansson

.PHONY: fuzz fuzzers replay
fuzzers: $(FUZZERS) $(B)/damage

replay: fuzzers
	BIN=$(abspath $(B)) prove tests/fuzz

fuzz:
	$(MAKE) MODE=fuzz CC=$(FUZZ_CC) fuzzers
	tests/fuzz/run $(FUZZ_SEC) $(FUZZ)

# Which share of the lines the unit tests run, by file, the least first.
.PHONY: cover
cover:
	$(MAKE) MODE=cover build/cover/unit
	bin/cover build/cover

.PHONY: demo
demo: all
	bin/demo

# ---- benchmarks -------------------------------------------------------------

BENCH := $(wildcard bench/*.c)
PEERS := $(wildcard bench/peers/*.c)

$(B)/bench/%: $(B)/bench/%.o $(ARCHIVE)
	$(CC) -pie $(ALL_LDFLAGS) -o $@ $^ $(SPOOL_LIBS)

# Static as mini_sendmail is, which they are measured against.
$(PEERS:%.c=$(B)/%): %: %.o $(ARCHIVE)
	$(CC) $(LINK_mini_sendmail) $(ALL_LDFLAGS) -o $@ $^ $(SPOOL_LIBS)

.PHONY: bench bench-million bench-drain bench-submit
bench: bench-drain bench-submit bench-million

bench-million bench-drain bench-submit: bench-%: all \
		$(BENCH:%.c=$(B)/%) $(PEERS:%.c=$(B)/%)
	BIN=$(abspath $(BIN)) TOOLS=$(abspath $(B))/bench bench/$*

# ---- quality ----------------------------------------------------------------

.PHONY: lint format
lint:
	bin/lint

format:
	clang-format -i $(SRC) $(wildcard src/*/*.h tests/*/*.[ch] tests/*/*/*.[ch]) \
		$(BENCH) $(PEERS)

# ---- install ----------------------------------------------------------------

# The jails get copies of what is in libexec. The configuration is only ever
# read from /etc; one that is there stays as it is.
TO_LIBEXEC := $(filter mini_sendmail jailsh,$(PROGRAMS))
TO_SBIN    := $(filter-out $(TO_LIBEXEC),$(PROGRAMS))
UNITDIR    ?= $(PREFIX)/lib/systemd/system

LIBEXEC := $(DESTDIR)$(PREFIX)/libexec/mini-sendmail
MAN     := $(DESTDIR)$(PREFIX)/share/man
COMPLETIONS := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ETC     := $(DESTDIR)/etc/mini-sendmail

.PHONY: install package apt-repo clean help
install: all
	install -d $(LIBEXEC) $(DESTDIR)$(PREFIX)/sbin $(MAN)/man5 $(MAN)/man8 \
		$(DESTDIR)$(UNITDIR) $(COMPLETIONS) $(ETC)/sites.d
	install $(TO_LIBEXEC:%=$(BIN)/%) $(LIBEXEC)
	install $(TO_SBIN:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/sbin
	install -m 644 man/*.5 $(MAN)/man5
	install -m 644 man/*.8 $(MAN)/man8
	install -m 644 completion/flushctl.bash $(COMPLETIONS)/flushctl
	sed 's,/usr/sbin/,$(PREFIX)/sbin/,' systemd/flushd.service | \
		install -m 644 /dev/stdin $(DESTDIR)$(UNITDIR)/flushd.service
	[ -e $(ETC)/flushd.conf ] || install -m 644 etc/flushd.conf $(ETC)

package:
	bin/package

# make apt-repo DIR=DIRECTORY KEY=KEY
apt-repo:
	bin/apt-repo '$(DIR)' '$(KEY)'

clean:
	rm -rf build $(PROGRAMS)

help:
	@echo 'all (default)   $(PROGRAMS)'
	@echo 'demo            the whole path, with an outage in the middle (root)'
	@echo 'test            unit and end-to-end tests, some faults; MODE=asan: sanitized'
	@echo 'test-system     the package under systemd, in a container (root)'
	@echo 'faults          all faults, and a table of what they found (root)'
	@echo 'fuzz            look for bytes that do harm; FUZZ_SEC=60 each'
	@echo 'cover           which lines the unit tests run, by file'
	@echo 'bench           all of these, one after the other'
	@echo 'bench-million   what a million messages cost; COUNT=N DIR=DIR'
	@echo 'bench-drain     how fast flushd sends, against smtp-source; COUNT=N'
	@echo 'bench-submit    how fast senders are, against others (root); ROUNDS=N'
	@echo 'lint format     check the sources; format them'
	@echo 'install clean   PREFIX and DESTDIR as usual'
	@echo 'package         a Debian package, beside this directory'
	@echo 'apt-repo        puts it into a signed repository; DIR=DIR KEY=KEY'

-include $(OBJ:.o=.d) $(UNIT_OBJ:.o=.d) $(DEFECTS:%.c=$(B)/%.d) \
	$(TOOL_SRC:%.c=$(B)/%.d) $(FUZZ_OBJ:.o=.d) $(BENCH:%.c=$(B)/%.d) \
	$(PEERS:%.c=$(B)/%.d)
