using Xunit.Sdk;
using Xunit.v3;

// torch has one random generator and one number of threads for the whole process: classes that make models or train would draw
// from each other's seeds.
[assembly: Parallelization(Mode = ParallelMode.None)]
