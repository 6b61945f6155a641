package Moody;

# Moody.pm - an SMTP server that behaves as the word in DIR/mood says, looked up anew for each connection
#
#   well                takes everything
#   FAULT at PHASE      does what replies.table has for that fault, instead of the reply it owes in that phase
#   ... of mail         the same, but not to a null sender: a probe goes through, mail does not
#
# What it takes for mail it writes to DIR/taken, a line of the sender for each, and for each recipient "SENDER
# RECIPIENT" to DIR/copies, both before it replies to the final dot. It says that it takes messages of as many bytes
# as DIR/size says, or 10240000; it offers no PIPELINING if DIR/plain is there. For each connection there is a line in DIR/links.

use strict;
use warnings;
use FindBin;
use Socket qw(SOL_SOCKET SO_LINGER IPPROTO_TCP TCP_NODELAY SHUT_WR);
use Time::HiRes qw(sleep);

our @phases = ("banner", "EHLO", "HELO", "MAIL", "MAIL 2", "RCPT 1", "RCPT 2", "DATA", "dot", "after");

# The faults in their order, each { name, says, want => { PHASE => CELL } }.
sub table {
	my @faults;
	open my $file, '<', "$FindBin::Bin/replies.table" or die "replies.table: $!\n";
	while (<$file>) {
		next unless /^\| /;
		my (undef, $name, $says, @cells) = map { s/^ +| +$//gr } split /\|/;
		next if $name eq 'fault' || $name eq 'seconds';
		my %want;
		@want{@phases} = @cells;
		push @faults, { name => $name, says => $says, want => \%want };
	}
	return @faults;
}

my %says = map { $_->{name} => $_->{says} } table();

sub read_word {
	my ($path, $default) = @_;
	open my $file, '<', $path or return $default;
	chomp(my $word = <$file> // $default);
	return $word;
}

sub note {
	my ($path, @lines) = @_;
	open my $file, '>>', $path or die "$path: $!\n";
	syswrite $file, join "", map { "$_\n" } @lines;
	close $file;
}

# ---- a connection -------------------------------------------------------------------------------------

# The next line, without its end; undef when the client is gone. What was said goes out once nothing more is pipelined.
sub line_of {
	my ($c) = @_;
	my $end;
	while (($end = index $c->{in}, "\r\n") < 0) {
		flush($c);
		sysread $c->{socket}, $c->{in}, 65536, length $c->{in} or return undef;
	}
	return substr substr($c->{in}, 0, $end + 2, ""), 0, $end;
}

# False: the client is gone.
sub flush {
	my ($c) = @_;
	my $piece = $c->{is_slow} ? 1 : length $c->{out};
	while (length $c->{out}) {
		my $n = syswrite $c->{socket}, $c->{out}, $piece;
		return 0 unless $n;
		substr $c->{out}, 0, $n, "";
		sleep 0.001 if $c->{is_slow};
	}
	return 1;
}

# The client is to see the end of the file, so whatever it still says must be read.
sub hang_up {
	my ($c) = @_;
	flush($c);
	shutdown $c->{socket}, SHUT_WR;
	1 while sysread $c->{socket}, my $rest, 65536;
	exit 0;
}

sub reset_it {
	my ($c) = @_;
	flush($c);
	setsockopt $c->{socket}, SOL_SOCKET, SO_LINGER, pack "ii", 1, 0;
	close $c->{socket};
	exit 0;
}

sub babble {
	my ($c, $line) = @_;
	do { $c->{out} .= $line x 500 } while flush($c);
	exit 0;
}

# Nothing but silence, until the client has enough of it.
sub hang {
	my ($c) = @_;
	flush($c);
	1 while sysread $c->{socket}, my $rest, 65536;
	exit 0;
}

sub drip {
	my ($c, $begin) = @_;
	$c->{out} .= $begin;
	while (flush($c)) {
		sleep 0.2;
		$c->{out} = "x";
	}
	exit 0;
}

my %words = (
	ok      => sub { my ($c, $ok) = @_; $c->{out} .= $ok },
	OK      => sub { my ($c, $ok) = @_; $c->{out} .= $ok =~ s/\r//gr },
	half    => sub { my ($c, $ok) = @_; $c->{out} .= substr $ok, 0, 5 },
	long    => sub { my ($c, $ok, $n) = @_; $c->{out} .= substr($ok, 0, 3) . " " . "x" x $n },
	lines   => sub { my ($c, $ok, $n) = @_; $c->{out} .= (substr($ok, 0, 3) . "-more\r\n") x $n },
	endless => sub { my ($c, $ok) = @_; babble($c, substr($ok, 0, 3) . "-more\r\n") },
	hang    => \&hang,
	drip    => sub { my ($c, $ok) = @_; drip($c, substr($ok, 0, 3) . "-") },
	pause   => sub { my ($c, $ok, $seconds) = @_; flush($c); sleep $seconds },
	slowly  => sub { my ($c) = @_; flush($c); $c->{is_slow} = 1 },
	close   => \&hang_up,
	reset   => \&reset_it,
);
my %bytes = (r => "\r", n => "\n", 0 => "\0");

# Instead of the reply $ok. True if it means yes to this server: it goes on as if that had been said.
sub misbehave {
	my ($c, $phase, $ok) = @_;
	my $says = $says{$c->{fault}};
	while ($says =~ /\G(?:\\([rn0])|\{(\w+) ?(\d*)\}|([^\\{]+))/g) {
		if (defined $2) {
			($words{$2} or die "what is {$2}?\n")->($c, $ok, $3);
		} else {
			$c->{out} .= $4 // $bytes{$1};
		}
	}
	flush($c) if $c->{is_slow};
	$c->{is_slow} = 0;
	return says_yes($says, $phase);
}

sub says_yes {
	my ($says, $phase) = @_;
	return $says !~ /^[45]|\\n[45]/ if $phase eq 'dot';
	my $class = $phase eq 'DATA' ? 3 : 2;
	return $says =~ /^$class|\{ok\}/i;
}

# Reply in a phase; true if it was yes.
sub reply {
	my ($c, $phase, $ok) = @_;
	my $is_spared = $c->{is_mail_only} && $c->{sender} eq '<>';
	return misbehave($c, $phase, $ok) if $phase eq $c->{phase} && !$is_spared;
	$c->{out} .= $ok;
	return 1;
}

# The text up to its end; it is noted before anything is said of it.
sub take_text {
	my ($c) = @_;
	my $line;
	do { defined($line = line_of($c)) or exit 0 } until $line eq '.';
	if ($c->{phase} ne 'dot' || says_yes($says{$c->{fault}}, 'dot')) {
		note("$c->{dir}/copies", map { "$c->{sender} $_" } @{$c->{accepted}});
		note("$c->{dir}/taken", $c->{sender});
	}
	$c->{sender} = '';
	return unless reply($c, 'dot', "250 2.0.0 Ok: taken\r\n");
	misbehave($c, 'after', "250 2.0.0 Ok\r\n") if $c->{phase} eq 'after';
}

sub answer_recipient {
	my ($c, $recipient) = @_;
	my $phase = $c->{recipients}++ ? 'RCPT 2' : 'RCPT 1';
	push @{$c->{accepted}}, $recipient if reply($c, $phase, "250 2.1.5 Ok\r\n");
}

sub answer {
	my ($c, $line) = @_;
	if ($line =~ /^EHLO/i && $c->{phase} eq 'HELO') {
		$c->{out} .= "502 5.5.2 EHLO?\r\n";
	} elsif ($line =~ /^EHLO/i) {
		my $size = read_word("$c->{dir}/size", 10_240_000);
		my $pipelining = -e "$c->{dir}/plain" ? "" : "250-PIPELINING\r\n";
		reply($c, 'EHLO', "250-moody.test\r\n${pipelining}250 SIZE $size\r\n");
	} elsif ($line =~ /^HELO/i) {
		reply($c, 'HELO', "250 moody.test\r\n");
	} elsif ($line =~ /^MAIL FROM:(<.*?>)/i) {
		@$c{qw(sender recipients accepted)} = ($1, 0, []);
		reply($c, $c->{mails}++ ? 'MAIL 2' : 'MAIL', "250 2.1.0 Ok\r\n") or $c->{sender} = '';
	} elsif ($line =~ /^(RCPT|DATA)/i && !$c->{sender}) {
		$c->{out} .= "503 5.5.1 Error: need MAIL command\r\n";
	} elsif ($line =~ /^RCPT TO:(<.*?>)/i) {
		answer_recipient($c, $1);
	} elsif ($line =~ /^DATA/i && !@{$c->{accepted}}) {
		$c->{out} .= "554 5.5.1 Error: no valid recipients\r\n";
	} elsif ($line =~ /^DATA/i) {
		take_text($c) if reply($c, 'DATA', "354 End data with <CR><LF>.<CR><LF>\r\n");
	} elsif ($line =~ /^QUIT/i) {
		$c->{out} .= "221 2.0.0 Bye\r\n";
		hang_up($c);
	} else {
		$c->{out} .= "250 2.0.0 Ok\r\n";
	}
}

sub talk {
	my ($socket, $dir) = @_;
	my %c = (socket => $socket, dir => $dir, in => "", out => "", sender => "", mails => 0, fault => "", phase => "");
	my $mood = read_word("$dir/mood", "well");
	if ($mood ne 'well') {
		@c{qw(fault phase is_mail_only)} = $mood =~ /^(.+) at (.+?)( of mail)?$/;
		exists $says{$c{fault}} && grep { $_ eq $c{phase} } @phases or die "no such mood: $mood\n";
	}
	setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
	note("$dir/links", $mood);
	reply(\%c, 'banner', "220 moody.test ESMTP\r\n");
	while (defined(my $line = line_of(\%c))) {
		answer(\%c, $line);
	}
}

# Serve until the process ends.
sub serve {
	my ($listener, $dir) = @_;
	$SIG{CHLD} = 'IGNORE';
	$SIG{PIPE} = 'IGNORE';
	$SIG{TERM} = sub { exit 0 };
	while (1) {
		my $client = $listener->accept or next;
		next if fork;
		talk($client, $dir);
		exit 0;
	}
}

1;
