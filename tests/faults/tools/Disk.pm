package Disk;

# Disk.pm - a directory as its disk may be after a power cut
#
# What is durable is what was flushed. Of what was written into a file since, any subset may have reached the
# disk, in pages of 4096 bytes, even in sectors of 512. The names in a directory change in the order in which they
# were changed (file systems keep a journal of them), durably when the directory is flushed. A file is as long as
# what of it has reached the disk, or longer, with zeros.
#
#   Disk->new(DIR)                what is there is durable
#   $disk->{lies} = 1            it says that it has flushed a file, and has not
#   apply(EVENT)                  one of Trace.pm's; nothing is durable by that yet
#   is_barrier(EVENT)             true if it makes something durable when it is over
#   settle(EVENT)                 and this is when it is over
#   pending()                     how many pages and names are not durable
#   choose(CHOICE)                a possible disk: { PATH => [FILE, { PAGE => BYTES }, LENGTH] or undef for a directory }
#   page(FILE, NUMBER)            its durable bytes
#   FILE->{log}                   the numbers of the pages that have become durable, in that order
#
# A CHOICE is { page => sub { COUNT }, names => sub { COUNT }, is_long => BOOL }: which of COUNT pages, as a list of
# [NUMBER, SECTORS], sectors as bits; how many of COUNT changes of names; whether files have their full length.

use strict;
use warnings;

use constant { PAGE => 4096, SECTOR => 512, ALL_SECTORS => 0xff };

# A write that no cut can tear: LMDB relies on a sector being one.
use constant ATOMIC => SECTOR;

sub new {
	my ($class, $dir) = @_;
	my $self = bless { open => {}, lies => 0 }, $class;
	$self->{root} = $self->load($dir);
	return $self;
}

sub new_file {
	return { pages => [], length => 0, pending => [], full_length => 0, log => [] };
}

sub new_dir {
	return { is_dir => 1, names => {}, live => {}, changes => [] };
}

sub load {
	my ($self, $path) = @_;
	if (-d $path) {
		my $dir = new_dir();
		opendir my $list, $path or die "$path: $!\n";
		for my $name (grep { !/^\.\.?$/ } readdir $list) {
			$dir->{names}{$name} = $dir->{live}{$name} = $self->load("$path/$name");
		}
		return $dir;
	}
	my $file = new_file();
	open my $in, "<:raw", $path or die "$path: $!\n";
	while (read $in, my $page, PAGE) {
		push $file->{pages}->@*, $page . "\0" x (PAGE - length $page);
		$file->{length} += length $page;
	}
	$file->{full_length} = $file->{length};
	return $file;
}

sub page {
	my ($file, $number) = @_;
	return $file->{pages}[$number] // "\0" x PAGE;
}

# ---- names -----------------------------------------------------------

# The directory that a path is in, and the name there.
sub place {
	my ($self, $path) = @_;
	my @parts = split m{/}, $path;
	my $name = pop @parts;
	my $dir = $self->{root};
	$dir = $dir->{live}{$_} // die "there is no $path\n" for @parts;
	return ($dir, $name);
}

sub find {
	my ($self, $path) = @_;
	return $self->{root} if $path eq "";
	my ($dir, $name) = $self->place($path);
	return $dir->{live}{$name};
}

# A change of names in one directory: what each name is from now on; undef is nothing.
sub change {
	my ($dir, %change) = @_;
	push $dir->{changes}->@*, \%change;
	change_names($dir->{live}, \%change);
}

sub change_names {
	my ($names, $change) = @_;
	for my $name (keys %$change) {
		if (defined $change->{$name}) {
			$names->{$name} = $change->{$name};
		} else {
			delete $names->{$name};
		}
	}
}

# ---- what happens ----------------------------------------------------

sub on_open {
	my ($self, $event) = @_;
	my ($dir, $name) = $self->place($event->{path});
	my $file = $dir->{live}{$name};
	if (!$file) {
		die "unmodelled: $event->{path} was opened, but never made\n" unless $event->{is_created};
		$file = new_file();
		change($dir, $name => $file);
	}
	$self->{open}{ $event->{file} } = $file;
}

sub make_durable {
	my ($file, $at, $data) = @_;
	while (length $data) {
		my ($number, $offset) = (int($at / PAGE), $at % PAGE);
		my $piece = substr $data, 0, PAGE - $offset, "";
		my $page = page($file, $number);
		substr $page, $offset, length $piece, $piece;
		$file->{pages}[$number] = $page;
		push $file->{log}->@*, $number;
		$at += length $piece;
	}
	$file->{length} = $at if $at > $file->{length};
}

sub on_write {
	my ($self, $event) = @_;
	my $file = $self->{open}{ $event->{file} } // die "unmodelled: a write into nothing\n";
	my ($at, $data) = $event->@{ "at", "data" };
	my $end = $at + length $data;
	$file->{full_length} = $end if $end > $file->{full_length};
	while (length $data) {
		my $piece = substr $data, 0, PAGE - $at % PAGE, "";
		push $file->{pending}->@*, [ $at, $piece ];
		$at += length $piece;
	}
}

# Whoever flushes a file or a few bytes of it flushes the pages as they are, whoever wrote them.
sub flush_pages {
	my ($file, $is_wanted) = @_;
	my @left;
	for my $write ($file->{pending}->@*) {
		if ($is_wanted->($write->[0])) {
			make_durable($file, @$write);
		} else {
			push @left, $write;
		}
	}
	$file->{pending} = \@left;
}

sub settle_write {
	my ($self, $event) = @_;
	my $first = int($event->{at} / PAGE);
	my $last = int(($event->{at} + length($event->{data}) - 1) / PAGE);
	flush_pages($self->{open}{ $event->{file} }, sub { my $n = int($_[0] / PAGE); $n >= $first && $n <= $last });
}

sub settle_sync {
	my ($self, $event) = @_;
	my $object = $self->{open}{ $event->{file} };
	my $named = $self->find($event->{path});
	# A descriptor that was closed may be a directory's now.
	$object = $named if $named && $named->{is_dir};
	die "unmodelled: a flush of nothing\n" unless $object;
	if ($object->{is_dir}) {
		change_names($object->{names}, $_) for splice $object->{changes}->@*;
	} elsif (!$self->{lies}) {
		flush_pages($object, sub { 1 });
		$object->{length} = $object->{full_length};
	}
}

sub on_rename {
	my ($self, $event) = @_;
	my ($from_dir, $from) = $self->place($event->{from});
	my ($to_dir, $to) = $self->place($event->{to});
	die "unmodelled: a rename from one directory to another\n" if $from_dir != $to_dir;
	change($from_dir, $to => $from_dir->{live}{$from}, $from => $event->{is_exchange} ? $from_dir->{live}{$to} : undef);
}

my %handlers = (
	open => \&on_open,
	write => \&on_write,
	rename => \&on_rename,
	truncate => sub {
		my ($self, $event) = @_;
		my $length = $self->{open}{ $event->{file} }{full_length};
		die "unmodelled: a file of $length bytes is cut to $event->{length}\n" if $event->{length} != $length;
	},
	unlink => sub {
		my ($self, $event) = @_;
		my ($dir, $name) = $self->place($event->{path});
		change($dir, $name => undef);
	},
	mkdir => sub {
		my ($self, $event) = @_;
		my ($dir, $name) = $self->place($event->{path});
		change($dir, $name => new_dir());
	},
);

sub apply {
	my ($self, $event) = @_;
	my $handler = $handlers{ $event->{op} } or return;
	$handler->($self, $event);
}

sub is_barrier {
	my ($self, $event) = @_;
	return $event->{op} eq "sync" || $event->{op} eq "write" && $event->{is_synced};
}

sub settle {
	my ($self, $event) = @_;
	if ($event->{op} eq "sync") {
		$self->settle_sync($event);
	} else {
		$self->settle_write($event);
	}
}

# ---- what may be on the disk -----------------------------------------

sub objects {
	my ($object) = @_;
	return $object unless $object->{is_dir};
	my %inside = map { $_ => $_ } grep { defined } map { values %$_ } $object->{names}, $object->{live}, $object->{changes}->@*;
	return ($object, map { objects($_) } values %inside);
}

sub pending {
	my ($self) = @_;
	my $count = 0;
	for my $object (objects($self->{root})) {
		$count += ($object->{is_dir} ? $object->{changes} : $object->{pending})->@*;
	}
	return $count;
}

# A write over a page as it is, but only these sectors of it.
sub write_sectors {
	my ($page, $offset, $data, $sectors) = @_;
	if ($sectors == ALL_SECTORS || length $data <= ATOMIC && $offset % SECTOR + length $data <= ATOMIC) {
		substr $page, $offset, length $data, $data;
		return $page;
	}
	for my $sector (grep { $sectors & 1 << $_ } 0 .. PAGE / SECTOR - 1) {
		my $from = $sector * SECTOR;
		$from = $offset if $from < $offset;
		my $to = ($sector + 1) * SECTOR;
		$to = $offset + length $data if $to > $offset + length $data;
		substr $page, $from, $to - $from, substr $data, $from - $offset, $to - $from if $from < $to;
	}
	return $page;
}

sub choose_pages {
	my ($file, $choice) = @_;
	my ($pending, %over) = ($file->{pending});
	my $length = $choice->{is_long} ? $file->{full_length} : $file->{length};
	for my $pick ($choice->{pages}->(scalar @$pending)) {
		my ($n, $sectors) = @$pick;
		my ($at, $data) = $pending->[$n]->@*;
		my $number = int($at / PAGE);
		$over{$number} = write_sectors($over{$number} // page($file, $number), $at % PAGE, $data, $sectors);
		$length = $at + length $data if $at + length $data > $length;
	}
	return [ $file, \%over, $length ];
}

sub choose_names {
	my ($object, $path, $choice, $disk) = @_;
	if (!$object->{is_dir}) {
		$disk->{$path} = choose_pages($object, $choice);
		return;
	}
	$disk->{$path} = undef;
	my %names = $object->{names}->%*;
	my $count = $choice->{names}->(scalar $object->{changes}->@*);
	change_names(\%names, $object->{changes}[$_]) for 0 .. $count - 1;
	choose_names($names{$_}, $path eq "" ? $_ : "$path/$_", $choice, $disk) for sort keys %names;
}

sub choose {
	my ($self, $choice) = @_;
	my %disk;
	choose_names($self->{root}, "", $choice, \%disk);
	return \%disk;
}

1;
