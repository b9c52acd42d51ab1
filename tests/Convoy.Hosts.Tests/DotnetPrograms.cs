namespace Convoy.Hosts.Tests;

/// <summary>Programs of this repository as commands for hosts, and what their processes have in their environment.</summary>
internal static class DotnetPrograms
{
    /// <summary>One thread a rank; no folder of the user's; times that a failing test can wait for.</summary>
    public static KeyValuePair<string, string>[] Variables { get; } =
    [
        new("OMP_NUM_THREADS", "1"),
        new("CONVOY_CACHE_DIR", "/tmp/convoy-cache"),
        new("DOTNET_TieredPGO", "0"),
    ];

    /// <summary>A scenario of the parallel tests.</summary>
    public static string[] Worker(params string[] arguments) => [.. Program("Convoy.Distributed.ParallelTests.Worker"), .. arguments];

    /// <summary>The program <c>convoy</c>.</summary>
    public static string[] Convoy(params string[] arguments) => [.. Program("convoy"), .. arguments];

    /// <summary>samples/DataParallel.</summary>
    public static string[] Sample(params string[] arguments) => [.. Program("DataParallel"), .. arguments];

    private static string[] Program(string name) => ["dotnet", "exec", Path.Combine(AppContext.BaseDirectory, name + ".dll")];
}
