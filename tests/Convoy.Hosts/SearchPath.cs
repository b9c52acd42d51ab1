namespace Convoy.Hosts;

/// <summary>The folders in which the shell looks for programs.</summary>
internal static class SearchPath
{
    public static bool Has(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, program)));
}
