package Trace;

# Trace.pm - what strace saw of the programs, as events in the order in which they were over
#
# Trace::record(FILE, COMMAND...) runs a command and writes the trace, Trace::events(FILE, ROOT) reads it. ROOT is
# the directory that matters; paths in events are relative to it, "" is ROOT itself. An event is
#
#   { op => "open", path, file, is_created }                 file is "PID/FD"
#   { op => "write", file, at, data, is_synced }             is_synced: durable when the call is over (O_DSYNC)
#   { op => "truncate", file, length }, { op => "sync", path, file }
#   { op => "rename", from, to, is_exchange }, { op => "unlink", path }, { op => "mkdir", path }
#   { op => "ack", token }             mini_sendmail, given that letter, exited with 0
#   { op => "made" }                   flushctl init exited with 0
#   { op => "taken", token, pid }      the relay's 250 has reached the worker
#
# Calls that change a file in a way that Disk.pm has no model for are fatal, so that none goes unseen.

use strict;
use warnings;

# All that changes files, so that none goes unseen, and what acknowledges.
# No machine has them all.
my $calls = join ",", map { "?$_" } qw(execve recvfrom open openat creat write pwrite64 writev pwritev pwritev2 lseek truncate ftruncate
	fallocate copy_file_range sendfile splice fsync fdatasync sync_file_range rename renameat renameat2 link
	linkat symlink symlinkat unlink unlinkat rmdir mkdir mkdirat);

sub record {
	my ($file, @command) = @_;
	system("strace", "-f", "-y", "-xx", "-s", 1 << 22, "--seccomp-bpf", "-q", "-e", "signal=none", "-e", "trace=$calls",
		"-o", $file, "--", @command);
	return $?;
}

sub bytes {
	my ($hex) = @_;
	$hex =~ tr/\\x"//d;
	return pack "H*", $hex;
}

# The strings of a list of arguments.
sub strings {
	return map { bytes($_) } $_[0] =~ /"([\\x0-9a-f]*)"/g;
}

package Trace::Reader;

sub new {
	my ($class, $root) = @_;
	return bless { root => $root, events => [], files => {}, tokens => {}, at => {} }, $class;
}

sub add {
	my ($self, $op, %event) = @_;
	push $self->{events}->@*, { op => $op, %event };
}

# A path below the root as it is from there; else undef.
sub relative {
	my ($self, $path) = @_;
	return "" if $path eq $self->{root};
	return substr $path, length("$self->{root}/") if index($path, "$self->{root}/") == 0;
	return undef;
}

# "FD<PATH>" or "AT_FDCWD<PATH>" at the beginning of the arguments.
sub descriptor {
	my ($args) = @_;
	my ($fd, $path, $rest) = $args =~ /^(\w+)<([\\x0-9a-f]+)>(?:\(deleted\))?,? ?(.*)/s or return;
	return ($fd, Trace::bytes($path), $rest);
}

# The names in "FD<PATH>, NAME, ..." as paths below the root.
sub names {
	my ($self, $args) = @_;
	my @names;
	while (my ($fd, $dir, $rest) = descriptor($args)) {
		my ($name, $behind) = $rest =~ /^"([\\x0-9a-f]*)"(?:, )?(.*)/s or last;
		$name = Trace::bytes($name);
		push @names, $self->relative($name =~ m{^/} ? $name : "$dir/$name");
		$args = $behind;
	}
	return @names;
}

sub on_open {
	my ($self, $pid, $args, $result) = @_;
	my ($path) = $self->names($args);
	my ($fd) = $result =~ /^(\d+)/;
	return unless defined $path && defined $fd;
	die "unmodelled: O_TRUNC of $path\n" if $args =~ /O_TRUNC/;
	return if $args =~ /O_DIRECTORY|O_PATH/;
	$self->{files}{"$pid/$fd"} = { is_synced => scalar($args =~ /O_D?SYNC/) };
	$self->add("open", path => $path, file => "$pid/$fd", is_created => scalar($args =~ /O_CREAT/));
}

sub on_write {
	my ($self, $pid, $call, $args, $result) = @_;
	my ($fd, $path, $rest) = descriptor($args) or return;
	$path = $self->relative($path);
	return unless defined $path && $result =~ /^(\d+)/;
	my $done = $1;
	my $key = "$pid/$fd";
	my $data = substr join("", Trace::strings($rest)), 0, $done;
	my ($at) = $call =~ /^p/ ? $rest =~ /(\d+)$/ : $self->{at}{$key} // 0;
	die "unmodelled: $call of $path\n" if length $data != $done || !$self->{files}{$key};
	$self->{at}{$key} = $at + $done if $call !~ /^p/;
	$self->add("write", file => $key, at => $at, data => $data, is_synced => $self->{files}{$key}{is_synced});
}

sub on_sync {
	my ($self, $pid, $call, $args) = @_;
	my ($fd, $path) = descriptor($args) or return;
	$path = $self->relative($path);
	$self->add("sync", path => $path, file => "$pid/$fd") if defined $path;
}

sub on_rename {
	my ($self, $pid, $call, $args) = @_;
	my ($from, $to) = $self->names($args);
	return unless defined $from || defined $to;
	die "unmodelled: a rename from or to elsewhere\n" unless defined $from && defined $to;
	$self->add("rename", from => $from, to => $to, is_exchange => scalar($args =~ /RENAME_EXCHANGE/));
}

sub on_execve {
	my ($self, $pid, $call, $args) = @_;
	my (undef, @argv) = Trace::strings($args);
	my ($token) = "@argv" =~ / -f (\S+)\@site\.test /;
	$self->{on_exit}{$pid} =
		defined $token ? { op => "ack", token => $token } : "@argv" =~ /\binit / ? { op => "made" } : undef;
}

sub on_receive {
	my ($self, $pid, $call, $args) = @_;
	for my $data (Trace::strings($args)) {
		$self->add("taken", token => $_, pid => $pid) for $data =~ /^250 .* taken (\S+)\r$/mg;
	}
}

my %handlers = (
	execve => \&on_execve,
	recvfrom => \&on_receive,
	lseek => sub {
		my ($self, $pid, $call, $args, $result) = @_;
		my ($fd) = descriptor($args) or return;
		$self->{at}{"$pid/$fd"} = $1 if $result =~ /^(\d+)/;
	},
	mkdirat => sub {
		my ($self, $pid, $call, $args) = @_;
		my ($path) = $self->names($args);
		$self->add("mkdir", path => $path) if defined $path;
	},
	unlinkat => sub {
		my ($self, $pid, $call, $args) = @_;
		my ($path) = $self->names($args);
		$self->add("unlink", path => $path) if defined $path;
	},
	# What the file has of the disk behind its end is given back so; Disk.pm sees to it that it is no more than that.
	ftruncate => sub {
		my ($self, $pid, $call, $args) = @_;
		my ($fd, $path, $rest) = descriptor($args) or return;
		$self->add("truncate", file => "$pid/$fd", length => $rest) if defined $self->relative($path);
	},
	# Blocks, but neither content nor length.
	fallocate => sub {
		my ($self, $pid, $call, $args) = @_;
		my ($fd, $path, $rest) = descriptor($args) or return;
		die "unmodelled: fallocate $rest\n" if defined $self->relative($path) && $rest !~ /^FALLOC_FL_KEEP_SIZE,/;
	},
	(map { $_ => \&on_write } qw(write pwrite64 writev pwritev)),
	(map { $_ => \&on_sync } qw(fsync fdatasync)),
	(map { $_ => \&on_rename } qw(renameat renameat2)),
);

sub on_call {
	my ($self, $pid, $call, $args, $result) = @_;
	return if $result =~ /^(-1|\?)/;
	if ($call eq "openat") {
		$self->on_open($pid, $args, $result);
	} elsif (my $handler = $handlers{$call}) {
		$handler->($self, $pid, $call, $args, $result);
	} else {
		my $in_root = grep { defined $self->relative($_) } map { Trace::bytes($_) } $args =~ /[<"]([\\x0-9a-f]+)[>"]/g;
		die "unmodelled: $call\n" if $in_root;
	}
}

sub on_line {
	my ($self, $line) = @_;
	my ($pid, $rest) = $line =~ /^(\d+) +(.*)/s or return;
	if ($rest =~ /^\+\+\+ exited with 0/) {
		push $self->{events}->@*, $self->{on_exit}{$pid} if $self->{on_exit}{$pid};
	} elsif ($rest =~ s/ <unfinished \.\.\.>$//) {
		$self->{unfinished}{$pid} = $rest;
	} else {
		$rest = delete($self->{unfinished}{$pid}) . $1 if $rest =~ /^<\.\.\. \w+ resumed>(.*)/s;
		$self->on_call($pid, $1, $2, $3) if $rest =~ /^(\w+)\((.*)\)\s+= (.*)$/s;
	}
}

package Trace;

sub events {
	my ($file, $root) = @_;
	my $reader = Trace::Reader->new($root);
	open my $in, "<", $file or die "$file: $!\n";
	while (my $line = <$in>) {
		chomp $line;
		$reader->on_line($line);
	}
	return $reader->{events}->@*;
}

1;
