namespace Convoy.Packages.Tests;

/// <summary>A machine with .NET on which nothing has been restored, installed or configured, but for the feeds that this machine has: a home and a package cache that are empty.</summary>
internal sealed class StrangersMachine
{
    private readonly string _root;
    private readonly Dictionary<string, string> _environment;

    public StrangersMachine(string root, string feed)
    {
        _root = root;
        string home = Path.Combine(root, "home");
        _environment = new Dictionary<string, string>
        {
            ["HOME"] = home,
            ["USERPROFILE"] = home,
            ["DOTNET_CLI_HOME"] = home,
            ["NUGET_PACKAGES"] = Path.Combine(root, "packages"),
            ["NUGET_HTTP_CACHE_PATH"] = Path.Combine(root, "http"),
        };
        Directory.CreateDirectory(home);
        CopyConfiguration(home);
        File.WriteAllText(Path.Combine(root, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="convoy-packed" value="{feed}" />
                <add key="restored-before" value="{Surroundings.PackageFolder}" />
              </packageSources>
            </configuration>
            """);
    }

    /// <summary>A new folder for a program.</summary>
    public string Folder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    /// <summary>Runs a program here.</summary>
    public Outcome Run(string folder, string program, params IReadOnlyList<string> arguments) => Surroundings.Run(folder, _environment, program, arguments);

    /// <summary>The tool, which is installed at the first call.</summary>
    public string InstallTool(string version)
    {
        string tools = Path.Combine(_root, "tools"), tool = Path.Combine(tools, OperatingSystem.IsWindows() ? "convoy.exe" : "convoy");
        if (!File.Exists(tool))
        {
            Dotnet(Folder("."), "tool", "install", "convoy", "--version", version, "--tool-path", tools).Expect(0);
        }

        return tool;
    }

    /// <summary>Runs dotnet here.</summary>
    public Outcome Dotnet(string folder, params IReadOnlyList<string> arguments) => Run(folder, "dotnet", arguments);

    // Where packages come from on this machine is said in its user's configuration, which is looked for in the home.
    private static void CopyConfiguration(string home)
    {
        string was = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        Outcome paths = Surroundings.Run(home, new Dictionary<string, string>(), "dotnet", "nuget", "config", "paths").Expect(0);
        foreach (string path in paths.Output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(path => path.StartsWith(was, StringComparison.Ordinal)))
        {
            string copy = Path.Combine(home, Path.GetRelativePath(was, path));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(path, copy);
        }
    }
}
