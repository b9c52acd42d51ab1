namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>The closed forms of <see cref="Collectives"/> in debug mode, over a slow link: what is wrapped around a group changes no result.</summary>
internal static class CheckedCollectives
{
    public static void Run(string[] args)
    {
        Environment.SetEnvironmentVariable("TORCH_DISTRIBUTED_DEBUG", "DETAIL");
        Environment.SetEnvironmentVariable("CONVOY_LINK_LATENCY_MS", "0.1");
        Collectives.Run(args);
    }
}
