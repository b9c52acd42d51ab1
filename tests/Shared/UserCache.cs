using System.Runtime.CompilerServices;

namespace Convoy.Tests;

/// <summary>Gives a test program, and the processes that it starts, a cache folder of their own: tests neither depend on what earlier ones measured nor leave anything in the user's.</summary>
internal static class UserCache
{
    private const string Variable = "CONVOY_CACHE_DIR";

    [ModuleInitializer]
    internal static void Replace()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 })
        {
            return; // It is the folder of the test program that started this one.
        }

        string folder = Path.Combine(Path.GetTempPath(), $"convoy-tests-cache-{Environment.ProcessId}");
        Environment.SetEnvironmentVariable(Variable, folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        };
    }
}
