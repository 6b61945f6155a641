# shellcheck shell=bash
#
# peers.sh - the programs that mini_sendmail is measured against, each with a queue of its own
#
# shellcheck disable=SC2034 # ROOT, COMMAND and QUEUE are what it is for
#
# Sourced, not run; needs root. Packages are downloaded and unpacked, never installed, into $PEERS. After
#
#   peer NAME DIR   a place for it in DIR, with an empty queue; says why where there can be none, and fails
#
# a submission is "${COMMAND[@]}" with the message for standard input, below the directory ROOT; it ends up in QUEUE.

ROOT=/
COMMAND=()
QUEUE=""

peer() {
	local name=$1 dir=$2
	ROOT=/
	rm -rf "$dir"
	mkdir -m 755 "$dir"
	QUEUE=$dir/queue
	"peer_$name" "$dir"
}

# --- programs that do one thing -----------------------------------------------------------------------

peer_nothing() {
	COMMAND=("$TOOLS/peers/nothing")
}

peer_page() {
	dd status=none if=/dev/zero of="$QUEUE" bs=4096 count=1 conv=fsync
	COMMAND=("$TOOLS/peers/nothing" "$QUEUE" 1)
}

# As an LMDB commit does.
peer_pages() {
	peer_page
	COMMAND[2]=2
}

peer_file() {
	mkdir -p "$QUEUE/tmp" "$QUEUE/new"
	COMMAND=("$TOOLS/peers/file" "$QUEUE" 1)
}

peer_durable() {
	peer_file "$1"
	COMMAND+=(durable)
}

# Zeros behind its end spare it the growth of a file, which makes a flush three times as dear.
peer_commit() {
	mkdir "$QUEUE"
	COMMAND=("$TOOLS/peers/commit" "$QUEUE" 1)
	"${COMMAND[@]}" <"$MESSAGE"
	dd status=none if=/dev/zero of="$QUEUE/data.mdb" bs=1M count=64 oflag=append conv=notrunc,fsync
}

peer_mini_sendmail() {
	"$BIN/flushctl" init "$QUEUE"
	export MINI_SENDMAIL_SPOOL=$QUEUE
	COMMAND=("$BIN/mini_sendmail" -t -i)
}

# With many messages by one process, $SESSION_COUNT of them: $SESSION has them for mini_sendmail -bs.
peer_spool() {
	"$BIN/flushctl" init "$QUEUE"
	COMMAND=("$TOOLS/peers/spool" "$QUEUE" "$SESSION_COUNT")
}

peer_session() {
	peer_mini_sendmail
	COMMAND=("$BIN/mini_sendmail" -bs)
}

peer_files() {
	peer_file
	COMMAND[2]=$SESSION_COUNT
}

peer_commits() {
	peer_commit
	COMMAND[2]=$SESSION_COUNT
}

# A spool through which mail has gone, as it does: the next finds room in its file.
peer_used() {
	local n
	peer_mini_sendmail
	for ((n = 0; n < 100; n++)); do
		"${COMMAND[@]}" <"$MESSAGE"
	done
	"$BIN/flushctl" --spool "$QUEUE" remove --all --yes >/dev/null
}

# --- mail programs ------------------------------------------------------------------------------------

# The machine's postfix is not touched: this configuration has a queue of its own. Nobody reads the FIFO that would wake
# its pickup.
peer_postfix() {
	[ -x /usr/sbin/postdrop ] || {
		echo "is not installed here"
		return 1
	}
	mkdir -p "$1/etc" "$QUEUE/maildrop" "$QUEUE/public" "$QUEUE/pid"
	mkfifo "$QUEUE/public/pickup"
	printf '%s\n' "compatibility_level = 3.6" "queue_directory = $QUEUE" "data_directory = $1/data" \
		"inet_interfaces = 127.0.0.1" "inet_protocols = ipv4" "myhostname = mx.example.org" >"$1/etc/main.cf"
	# It would wait until the file is two seconds old.
	touch -d '1 minute ago' "$1/etc/main.cf"
	COMMAND=(/usr/sbin/sendmail -C "$1/etc" -t -i)
}

peer_nullmailer() {
	below "$1" nullmailer /usr/bin/nullmailer-inject /usr/sbin/nullmailer-queue || return
	QUEUE=$1/var/spool/nullmailer
	mkdir -p "$1/etc/nullmailer" "$QUEUE/queue" "$QUEUE/tmp" "$QUEUE/failed"
	mkfifo "$QUEUE/trigger"
	chown -R mail "$QUEUE"
	echo mx.example.org >"$1/etc/mailname"
	COMMAND=(/usr/bin/nullmailer-inject)
}

peer_dma() {
	below "$1" dma /usr/sbin/dma || return
	QUEUE=$1/var/spool/dma
	mkdir -p "$1/etc/dma" "$QUEUE"
	chown root:mail "$QUEUE"
	chmod 2775 "$QUEUE"
	printf '%s\n' DEFER "MAILNAME mx.example.org" >"$1/etc/dma/dma.conf"
	: >"$1/etc/aliases"
	COMMAND=(/usr/sbin/dma -t -i)
}

peer_exim() {
	below "$1" exim4-daemon-light /usr/sbin/exim4 || return
	QUEUE=$1/var/spool/exim4
	mkdir -p "$1/etc/exim4" "$QUEUE" "$1/var/log/exim4"
	printf '%s\n' "primary_hostname = mx.example.org" "keep_environment =" "begin routers" "all:" \
		"  driver = accept" "  transport = none" "begin transports" "none:" "  driver = appendfile" \
		"  file = /dev/null" >"$1/etc/exim4/exim4.conf"
	echo "Debian-exim:x:101:101::/var/spool/exim4:/bin/false" >>"$1/etc/passwd"
	echo "Debian-exim:x:101:" >>"$1/etc/group"
	chown -R 101:101 "$QUEUE" "$1/var/log/exim4"
	COMMAND=(/usr/sbin/exim4 -odq -t -i)
}

# --- packages -----------------------------------------------------------------------------------------

# below ROOT PACKAGE PROGRAM...: these programs in a directory that has all they need.
below() {
	local root=$1 package=$2 program library
	shift 2
	unpack "$package" >"$SCRATCH/apt" 2>&1 || {
		echo "its package cannot be had: $(grep -m 1 '^E:' "$SCRATCH/apt")"
		return 1
	}
	ROOT=$root
	mkdir -m 755 "$root/etc" "$root/dev" "$root/lib"
	mkdir -m 1777 "$root/tmp"
	mknod -m 666 "$root/dev/null" c 1 3
	grep -E '^(root|mail|nobody):' /etc/passwd >"$root/etc/passwd"
	grep -E '^(root|mail|nogroup):' /etc/group >"$root/etc/group"
	for program; do
		mkdir -p "$root$(dirname "$program")"
		cp -a "$PEERS/$package$program" "$root$program"
		for library in $(libraries "$PEERS/$package" "$program"); do
			case $library in
			*/ld-linux*) install -D "$library" "$root$library" ;;
			*) cp -L "$library" "$root/lib" ;;
			esac
		done
	done
	/sbin/ldconfig -r "$root"
}

# libraries UNPACKED PROGRAM
libraries() {
	local path
	path=$(find "$1" -name '*.so.*' -printf '%h\n' | sort -u | tr '\n' ':')
	LD_LIBRARY_PATH=${path%:} ldd "$1$2" | grep -oE '/[^ ]+'
}

# With what it needs and this machine has not.
unpack() {
	local package=$1 debs=$PEERS/$1.debs deb
	[ ! -e "$PEERS/$package" ] || return 0
	mkdir -p "$debs/partial"
	apt-get -q -y --no-install-recommends --reinstall --download-only -o Debug::NoLocking=1 \
		-o Dir::Cache::archives="$debs" install "$package" || return
	for deb in "$debs"/*.deb; do
		dpkg-deb -x "$deb" "$PEERS/$package.part" || return
	done
	mv "$PEERS/$package.part" "$PEERS/$package"
}
