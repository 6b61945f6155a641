# shellcheck shell=bash
#
# machine.sh - a machine of one's own: a real systemd in a container, with the distribution's postfix and PHP
#
# Sourced, after lib.sh; needs root. The container has no network but its loopback, so that many run side by
# side, each with a port 25.
#
#   machine_create       its disk: the one that all of them begin with, and what this one changes
#   machine_boot         start it, and wait until it is up
#   machine_reboot       as `reboot` does; machine_cut as if its plug was pulled
#   machine_run CMD...   as root in it; machine_sh TEXT: a line for its shell
#   $DISK                its file system, from here
#
# What all begin with is made once, by debootstrap, from the mirror that this machine has its packages from.
#
#   MACHINE_CACHE=DIR     it is below that, not in /var/cache/mini-sendmail-tests
#   MACHINE_SUITE=trixie  another release than this machine's, of the same distribution
#
# A release that knows cgroups v2 only takes SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 where this machine has v1.

DISK=""
NSPAWN_PID=""
MACHINE_NAME=""
MACHINE_CACHE=${MACHINE_CACHE:-/var/cache/mini-sendmail-tests}
OWN_SUITE=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
MACHINE_SUITE=${MACHINE_SUITE:-$OWN_SUITE}

# What the machine has; then what is in the way of a quick start.
machine_packages=(
	dbus gpg libfcgi-bin libinih1 libjansson4 libseccomp2 libsystemd0 php-fpm postfix procps systemd
	systemd-sysv
)
machine_masked=(
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
	systemd-firstboot.service
)

# --- the disk that all begin with ---------------------------------------------------------------------

# mirrors: "URI CODENAME" of each place that this machine has packages from.
mirrors() {
	# shellcheck disable=SC2016 # the variables are apt's
	apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | sort -u
}

# base_make DIR
base_make() {
	local dir=$1 mirror components=main
	mirror=$(mirrors | awk -v suite="$OWN_SUITE" '$2 == suite && !count++ { print $1 }')
	[ -n "$mirror" ] || {
		echo "no mirror of $OWN_SUITE is known"
		return 1
	}
	[ "$(. /etc/os-release && echo "$ID")" != ubuntu ] || components=main,universe
	debootstrap --variant=minbase --components="$components" "$MACHINE_SUITE" "$dir" "$mirror" 2>&1 || return
	printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
	chmod 755 "$dir/usr/sbin/policy-rc.d"
	cp /etc/resolv.conf "$dir/etc/resolv.conf"
	base_chroot "$dir" apt-get -q -y install --no-install-recommends "${machine_packages[@]}" || return
	base_chroot "$dir" systemctl mask "${machine_masked[@]}"
	base_chroot "$dir" systemd-machine-id-setup
	base_chroot "$dir" apt-get clean
	rm -rf "$dir/usr/sbin/policy-rc.d" "$dir"/var/lib/apt/lists/*
	printf 'machine\n' >"$dir/etc/hostname"
	printf '127.0.0.1 localhost machine\n::1 localhost\n' >"$dir/etc/hosts"
}

# In a namespace of its own, so that nothing stays mounted.
base_chroot() {
	local dir=$1
	shift
	# shellcheck disable=SC2016 # the variables are the inner shell's
	unshare --mount --fork sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$dir" \
		env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@" 2>&1
}

# base_find: $BASE is it. One is made at a time, and appears when it is whole.
base_find() {
	local key
	key=$MACHINE_SUITE-$(
		{ echo "${machine_packages[*]} ${machine_masked[*]}" && declare -f base_make; } | sha256sum | head -c 12
	)
	BASE=$MACHINE_CACHE/$key
	mkdir -p "$MACHINE_CACHE"
	(
		flock 9
		if [ -e "$BASE" ]; then
			touch "$BASE"
			exit 0
		fi
		diag "making $BASE, once"
		find "$MACHINE_CACHE" -mindepth 1 -maxdepth 1 -type d -mtime +7 -exec rm -rf {} +
		rm -rf "$BASE.new"
		base_make "$BASE.new" >"$SCRATCH/base.log" && mv "$BASE.new" "$BASE"
	) 9>"$MACHINE_CACHE/lock"
}

# --- its own ------------------------------------------------------------------------------------------

# machine_needs: what it takes, or the test is skipped.
machine_needs() {
	local program
	needs_root "boots a machine of its own"
	for program in debootstrap systemd-nspawn nsenter; do
		command -v "$program" >/dev/null || skip_all "there is no $program; bin/setup installs it"
	done
}

machine_create() {
	MACHINE_NAME=ms-${SCRATCH##*.}
	DISK=$SCRATCH/disk
	base_find || {
		tail -n 3 "$SCRATCH/base.log" | sed 's/^/# /'
		skip_all "cannot make the disk of a machine"
	}
	mkdir "$DISK" "$SCRATCH/changes" "$SCRATCH/work"
	# In /tmp may be what cannot be the upper part of an overlay.
	mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$SCRATCH/changes,workdir=$SCRATCH/work" "$DISK" \
		2>/dev/null || cp -a "$BASE/." "$DISK"
	at_exit machine_remove
	(in_container --quiet true) >"$SCRATCH/nspawn.log" 2>&1 ||
		skip_all "systemd-nspawn cannot run here: $(tail -n 1 "$SCRATCH/nspawn.log")"
}

# Takes the place of this shell.
in_container() {
	enter_cgroups
	exec systemd-nspawn -D "$DISK" --machine="$MACHINE_NAME" --register=no --keep-unit --private-network \
		--console=pipe --capability=all "$@" </dev/null
}

# cgroups: one of its own in each hierarchy that systemd uses; without, all machines would share one.
cgroups() {
	awk '$3 == "cgroup2" || $3 == "cgroup" && $4 ~ /(systemd|memory|pids|cpu|cpuacct)$/ { print $2 }' /proc/mounts
}

enter_cgroups() {
	local top
	set +e
	for top in $(cgroups); do
		mkdir -p "$top/$MACHINE_NAME"
		echo "$BASHPID" >"$top/$MACHINE_NAME/cgroup.procs"
	done 2>/dev/null
}

remove_cgroups() {
	local top
	for top in $(cgroups); do
		[ ! -d "$top/$MACHINE_NAME" ] || find "$top/$MACHINE_NAME" -depth -type d -exec rmdir {} \; || true
	done 2>/dev/null
}

# The init of the machine, if there is one.
leader() {
	[ -n "$NSPAWN_PID" ] && pgrep -P "$NSPAWN_PID"
}

is_up() {
	machine_run systemctl is-system-running >"$SCRATCH/state" 2>/dev/null || true
	grep -qE 'running|degraded' "$SCRATCH/state"
}

machine_boot() {
	(in_container --boot) >>"$SCRATCH/console.log" 2>&1 &
	NSPAWN_PID=$!
	wait_until 120 is_up || {
		diag "the machine does not come up:"
		tail -n 20 "$SCRATCH/console.log" | sed 's/^/#   /' >&2
		return 1
	}
}

machine_run() {
	local pid
	pid=$(leader) || return
	nsenter -t "$pid" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

machine_sh() {
	machine_run sh -c "$1"
}

# nspawn says by its status that the machine wants to begin anew.
machine_reboot() {
	local status=0
	machine_run systemctl reboot || true
	wait_until 60 has_ended "$NSPAWN_PID" || return
	wait "$NSPAWN_PID" || status=$?
	[ "$status" -eq 133 ] && machine_boot
}

# Every process at once, without a word to any of them.
machine_cut() {
	kill -KILL "$(leader)"
	wait_until 60 has_ended "$NSPAWN_PID" && NSPAWN_PID=""
}

machine_remove() {
	[ -z "$NSPAWN_PID" ] || has_ended "$NSPAWN_PID" || machine_cut || kill -KILL "$NSPAWN_PID"
	remove_cgroups
	mountpoint -q "$DISK" && umount "$DISK"
}
