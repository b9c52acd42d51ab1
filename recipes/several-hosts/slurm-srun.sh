#!/bin/sh
# Trains on several hosts of a SLURM cluster; srun starts the ranks:
#
#   sbatch --nodes=4 --ntasks-per-node=8 slurm-srun.sh ./convoy train --data DIR --out DIR
#   sbatch --nodes=4 --ntasks-per-node=8 slurm-srun.sh dotnet my.dll
#
# Options of sbatch win over the lines below.
#SBATCH --job-name=convoy
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
# A minute before the time is up the ranks are asked to stop: they finish their step and write a checkpoint.
#SBATCH --signal=TERM@60
set -eu

# Whoever does not know it cannot join. srun hands it on to the ranks; other users see neither a job's environment nor its processes'.
CONVOY_JOB_SECRET=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
export CONVOY_JOB_SECRET
export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"

# How the MPI library finds the other ranks ("srun --mpi=list" has what there is): pmi2 for MPICH and its relatives, pmix for Open MPI, none for MPICH started by Convoy itself.
exec srun --mpi="${CONVOY_SRUN_MPI:-pmi2}" --cpus-per-task="$OMP_NUM_THREADS" --kill-on-bad-exit=1 "$@"
