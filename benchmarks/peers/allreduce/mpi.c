/* All-reduce (sum, fp32) with MPI: mpirun -n PROCESSES mpi SECONDS BYTES...
 *
 * Prints one line a size: bytes, then the median time of one call on rank 0 in seconds. Calls follow one another on the same
 * buffer of zeros, in place; the warm-up is left out. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { warm_up_calls = 5, most_calls = 200000 };
static const double warm_up_seconds = 0.3;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static long agree(long value)
{
    MPI_Bcast(&value, 1, MPI_LONG, 0, MPI_COMM_WORLD);
    return value;
}

static void all_reduce(float *buffer, int count)
{
    MPI_Allreduce(MPI_IN_PLACE, buffer, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
}

static double measure(long bytes, double seconds, int rank, int processes)
{
    int count = (int)(bytes / 4);
    float *buffer = malloc((size_t)count * sizeof *buffer);
    double *times = malloc(most_calls * sizeof *times);
    if (!buffer || !times)
        MPI_Abort(MPI_COMM_WORLD, 1);
    for (int i = 0; i < count; i++)
        buffer[i] = (float)(rank + 1);
    all_reduce(buffer, count);
    for (int i = 0; i < count; i++) {
        if (buffer[i] != processes * (processes + 1) / 2)
            MPI_Abort(MPI_COMM_WORLD, 2);
        buffer[i] = 0;
    }

    double start = MPI_Wtime();
    long calls = 0;
    do {
        for (int i = 0; i < warm_up_calls; i++)
            all_reduce(buffer, count);
        calls += warm_up_calls;
    } while (agree(MPI_Wtime() - start < warm_up_seconds));
    double fit = seconds / ((MPI_Wtime() - start) / (double)calls);
    long n = agree(fit < warm_up_calls ? warm_up_calls : fit > most_calls ? most_calls : (long)fit);

    MPI_Barrier(MPI_COMM_WORLD);
    double last = MPI_Wtime();
    for (long i = 0; i < n; i++) {
        all_reduce(buffer, count);
        double now = MPI_Wtime();
        times[i] = now - last;
        last = now;
    }
    qsort(times, (size_t)n, sizeof *times, ascending);
    double median = (times[(n - 1) / 2] + times[n / 2]) / 2;
    free(buffer);
    free(times);
    return median;
}

int main(int argc, char **argv)
{
    int rank, processes;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &processes);
    for (int i = 2; i < argc; i++) {
        double median = measure(atol(argv[i]), atof(argv[1]), rank, processes);
        if (rank == 0) {
            printf("%s %.9f\n", argv[i], median);
            fflush(stdout);
        }
    }
    MPI_Finalize();
    return 0;
}
