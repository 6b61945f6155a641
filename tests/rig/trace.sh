# shellcheck shell=bash
#
# trace.sh - watch which files and programs mini_sendmail touches
#
# Sourced, not run, behind tests/e2e/lib.sh; needs root and strace. Not for MODE=asan, as the sanitizers open
# files of their own.

# traced CMD...: run it, with a trace of each process.
traced() {
	rm -rf "$SCRATCH/trace"
	mkdir "$SCRATCH/trace"
	strace -ff -qq -y -o "$SCRATCH/trace/of" \
		-e trace=%process,%file,socket,connect,bind,truncate,ftruncate,fchmod,fchown -- "$@"
}

# misdeeds: what mini_sendmail has done that it may not, a line for each call. It may look at what makes up
# the sender, at the spool, and at what is in that; nothing else is its business.
misdeeds() {
	SPOOL=$SPOOL perl -ne '
		my ($spool, $program) = map { quotemeta } @ENV{qw(SPOOL BIN)};
		$is_ours = 0 if !defined $file || $file ne $ARGV;
		$file = $ARGV;
		if (/^execve\("$program\/mini_sendmail".* = 0$/) {
			$is_ours = 1;
		} elsif ($is_ours) {
			next if /^(\+\+\+|---|exit|arch_prctl|readlink\("\/proc\/self\/exe"|getcwd)/;
			next if /^(newfstatat|lstat|openat)\(AT_FDCWD<.*>, "$spool", (O_RDONLY|\{)/;
			next if /^openat\(AT_FDCWD<.*>, "\/etc\/(passwd|mailname)", O_RDONLY/;
			next if /^newfstatat\(\d+<.*>, "", /;
			my $inside = qr/(\d+|AT_FDCWD)<$spool(\/incoming)?>/;
			next if /^\w+at2?\($inside, "[^"\/]+"(, $inside, "[^"\/]+")?[,)]/;
			next if /^(fchdir|ftruncate|fchmod)\($inside[,)]/;
			print;
		}
	' "$SCRATCH"/trace/of.*
}

# programs_run: each with how often.
programs_run() {
	sed -n 's/^execve("\([^"]*\)".* = 0$/\1/p' "$SCRATCH"/trace/of.* | grep -v '/setpriv$' | sort | uniq -c |
		awk '{ print $1, $2 }'
}
