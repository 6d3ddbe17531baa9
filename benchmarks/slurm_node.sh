#!/bin/bash
# A Slurm cluster of one node on this machine, for trying things out: real munge, slurmctld, slurmd, sbatch.
#
#     benchmarks/slurm_node.sh start FOLDER     then: export SLURM_CONF=FOLDER/slurm.conf
#     benchmarks/slurm_node.sh stop FOLDER
#
# Needs Debian's packages slurm-wlm and munge, and root. No accounting, no cgroups: it runs in a container.
set -eu

usage() { sed -n 's/^# \{0,1\}//p' "$0" | sed -n 2,7p >&2; exit 2; }
[ $# -eq 2 ] || usage
mkdir -p "$2"
folder=$(cd "$2" && pwd)
host=$(hostname -s)

start() {
    for command in munged slurmctld slurmd sbatch; do
        command -v "$command" > /dev/null || { echo "no $command here: apt-get install slurm-wlm munge" >&2; exit 1; }
    done
    mkdir -p "$folder/spool" "$folder/state" "$folder/munge"
    chmod 755 "$folder"
    chmod 700 "$folder/munge"
    dd if=/dev/urandom of="$folder/munge/key" bs=32 count=32 status=none
    chmod 400 "$folder/munge/key"
    # munge insists on a socket folder that others may enter and a key folder that they may not.
    mkdir -p "$folder/socket"
    chmod 711 "$folder/socket"
    munged --force --socket="$folder/socket/munge" --key-file="$folder/munge/key" --pid-file="$folder/munged.pid" \
        --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
    # The memory is what the node tells of itself; half a gigabyte stays for the daemons.
    memory=$(( $(awk '/^MemTotal/ {print $2}' /proc/meminfo) / 1024 - 512 ))
    cat > "$folder/slurm.conf" << CONF
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=6917
SlurmdPort=6918
AuthType=auth/munge
AuthInfo=socket=$folder/socket/munge
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
DefMemPerCPU=2000
KillWait=2
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
    echo "CgroupPlugin=cgroup/v1" > "$folder/cgroup.conf"
    export SLURM_CONF="$folder/slurm.conf"
    slurmctld -c
    slurmd -c
    for _ in $(seq 60); do
        [ "$(sinfo --noheader --format=%T 2> /dev/null)" = idle ] && { echo "export SLURM_CONF=$SLURM_CONF"; return; }
        sleep 0.5
    done
    echo "the node did not come up; see $folder/slurmctld.log and $folder/slurmd.log" >&2
    exit 1
}

stop() {
    export SLURM_CONF="$folder/slurm.conf"
    scancel --user="$(id -un)" 2> /dev/null || true
    for name in slurmd slurmctld munged; do
        [ -f "$folder/$name.pid" ] && kill "$(cat "$folder/$name.pid")" 2> /dev/null || true
    done
    for _ in $(seq 40); do
        left=0
        for name in slurmd slurmctld munged; do
            [ -f "$folder/$name.pid" ] && kill -0 "$(cat "$folder/$name.pid")" 2> /dev/null && left=1
        done
        [ "$left" = 0 ] && return
        sleep 0.25
    done
    echo "some daemons of $folder did not end" >&2
    exit 1
}

case "$1" in
    start) start ;;
    stop) stop ;;
    *) usage ;;
esac
