namespace Convoy.Cli.Benchmarks.Loading;

/// <summary>One round of a strategy.</summary>
/// <param name="FrameSeconds">Time of a frame when nothing but loading goes on.</param>
/// <param name="FrameCpuSeconds">Processor time of a frame, all threads.</param>
/// <param name="StepDelaySeconds">By how much loading lengthens the computation of a batch; below 0 only by chance.</param>
/// <param name="WaitSeconds">Of a step beside the computation, the wait for the batch.</param>
/// <param name="MemoryBytes">By how much the process's resident set had grown at the end of the round.</param>
internal sealed record LoaderSample(double FrameSeconds, double FrameCpuSeconds, double StepDelaySeconds, double WaitSeconds, long MemoryBytes);
