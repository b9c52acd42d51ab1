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
    MPI_Finalize();
    return wrong != 0;
}
