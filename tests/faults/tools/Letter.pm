package Letter;

# Letter.pm - messages that say of themselves what they must be, and a journal of what became of them
#
# A letter is known by its token NAME.LINES: the sender is TOKEN@site.test, and the body is so many lines, each
# with its number and the token (audit.c knows them too). So whoever finds one, in the spool or at the relay,
# can tell whether it is there byte for byte.
#
# A journal is a file that many processes append to, out of reach of the faults. Its lines are "MICROSECONDS
# WORD ...", by a clock that nobody sets, with
#
#   begin TOKEN              mini_sendmail is about to be given it
#   exit TOKEN STATUS        that is how it ended: an exit status, or "killed"
#   link LINK                a connection to the relay begins
#   take LINK TOKEN ok|bad   the relay has all of it, and is about to say 250
#   end LINK                 and is over
#   cut NUMBER               the power is about to be cut
#   dead NUMBER              it was cut, and all programs have been killed

use strict;
use warnings;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

sub body {
	my ($token) = @_;
	my ($lines) = $token =~ /\.(\d+)\z/ or return "";
	return join "", map { sprintf "line %08d of %-30s, and no other\n", $_, $token } 1 .. $lines;
}

sub text {
	my ($token) = @_;
	return "To: reader\@example.org\nSubject: $token\n\n" . body($token);
}

# True if a message that was sent by TOKEN has that letter's body.
sub is_intact {
	my ($token, $text) = @_;
	my (undef, $body) = split /\n\n/, $text, 2;
	return ($body // "") eq body($token);
}

# One write for a line: lines of several processes do not mix.
sub note {
	my ($journal, @words) = @_;
	open my $out, ">>", $journal or die "$journal: $!\n";
	syswrite $out, join(" ", int(1e6 * clock_gettime(CLOCK_MONOTONIC)), @words) . "\n" or die "$journal: $!\n";
	close $out;
}

# A line may be on its way as yet.
sub entries {
	my ($journal) = @_;
	open my $in, "<", $journal or die "$journal: $!\n";
	return map { /^(.*)\n/ ? [ split / /, $1 ] : () } <$in>;
}

1;
