#!/bin/sh
# Trains on several hosts of a SLURM cluster; the MPI library's own launcher starts the ranks, and learns from SLURM where:
#
#   sbatch --nodes=4 --ntasks-per-node=8 slurm-mpirun.sh ./convoy train --data DIR --out DIR
#   MPIRUN=mpirun.mpich sbatch slurm-mpirun.sh dotnet my.dll
#
# Options of sbatch win over the lines below.
#SBATCH --job-name=convoy
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=2
#SBATCH --cpus-per-task=1
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@60
set -eu

export OMP_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"
# mpirun passes USR1 on to the ranks, which write a last checkpoint. After TERM Open MPI's kills them within 2 s.
exec ${MPIRUN:-mpirun} "$@"
