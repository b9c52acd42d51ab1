using System.Reflection;

namespace Convoy.Torch.Tests.NativeCompatibility;

/// <summary>Where the restored native libraries are; a test that needs one which is absent here is skipped.</summary>
internal static class NativeLibraries
{
    public const string LibTorchSharp = "runtimes/linux-x64/native/libLibTorchSharp.so";

    /// <summary>The value that the project file noted when it was built.</summary>
    public static string Noted(string key) => typeof(NativeLibraries).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(a => a.Key == key).Value!;

    /// <summary>TorchSharp's library as restored, which nothing may change.</summary>
    public static string Restored() => Existing(Path.Combine(Noted("TorchSharpPackage"), LibTorchSharp));

    /// <summary>A native library in this test's own output.</summary>
    public static string InOutput(string path) => Existing(Path.Combine(AppContext.BaseDirectory, path));

    private static string Existing(string path)
    {
        Assert.SkipUnless(File.Exists(path), $"{path} is not there.");
        return path;
    }
}
