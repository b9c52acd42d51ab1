// Sums COUNT floats of all ranks, where rank r gives r + 1, and says whether the result is right.
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int rank, size, count = atoi(argv[1]);
    char name[64];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    float *values = malloc(count * sizeof(float));
    for (int i = 0; i < count; i++)
        values[i] = rank + 1;
    MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    int wrong = 0;
    for (int i = 0; i < count; i++)
        wrong += values[i] != size * (size + 1) / 2;
    gethostname(name, sizeof(name));
    printf("rank %d of %d on %s: %d wrong\n", rank, size, name, wrong);
    fflush(stdout);
#ifdef MPICH_VERSION
    // MPICH before 4.2 over UCX: in MPI_Finalize one rank may wait for another to answer, which waits for all in a barrier of the process manager and answers nobody
    // (mpich's pull request 6596). So the process manager is told by hand, and that is all.
    char answer[64];
    int manager = atoi(getenv("PMI_FD"));
    MPI_Barrier(MPI_COMM_WORLD);
    if (write(manager, "cmd=finalize\n", 13) != 13 || read(manager, answer, sizeof(answer)) <= 0)
        wrong++;
    _exit(wrong != 0);
#else
    MPI_Finalize();
    return wrong != 0;
#endif
}
