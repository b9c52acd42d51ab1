using System.Collections;
using Convoy.NativeCompatibility;
using Microsoft.Build.Framework;

namespace Convoy.Torch.Tests.NativeCompatibility;

public sealed class LoadOnOlderSystemsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-native-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Execute_RestoredLibrary_WritesAChangedCopyAndLeavesTheOriginal()
    {
        string source = NativeLibraries.Restored();
        byte[] before = File.ReadAllBytes(source);
        string destination = Path.Combine(_directory, "obj", "native", "libLibTorchSharp.so");

        Assert.True(Execute(source, destination, out _));
        Assert.True(Execute(source, destination, out _));

        Assert.True(before.AsSpan().SequenceEqual(File.ReadAllBytes(source)));
        byte[] copy = File.ReadAllBytes(destination);
        Assert.Equal(ElfVersionOutcome.AlreadyWeak, ElfVersionRequirement.MakeWeak(copy, "GLIBCXX_3.4.32", "_ZSt21ios_base_library_initv"));
        Assert.Equal([destination], Directory.GetFiles(Path.GetDirectoryName(destination)!));
    }

    [Fact]
    public void Execute_DestinationLinkedToTheOriginal_LeavesTheOriginal()
    {
        string source = Path.Combine(_directory, "original.so"), destination = Path.Combine(_directory, "copy.so");
        File.Copy(NativeLibraries.Restored(), source);
        byte[] before = File.ReadAllBytes(source);
        File.CreateSymbolicLink(destination, source);

        Assert.True(Execute(source, destination, out _));

        Assert.True(before.AsSpan().SequenceEqual(File.ReadAllBytes(source)));
        Assert.Null(File.ResolveLinkTarget(destination, returnFinalTarget: false));
    }

    [Fact]
    public void Execute_DamagedLibrary_FailsWithWhatToDoAndWritesNothing()
    {
        string source = Path.Combine(_directory, "cut.so"), destination = Path.Combine(_directory, "copy.so");
        File.WriteAllBytes(source, File.ReadAllBytes(NativeLibraries.Restored())[..100_000]);

        Assert.False(Execute(source, destination, out List<string> errors));

        Assert.Equal($"{source}: cut short: its section table lies outside the file. Restore the TorchSharp package again (delete its folder in the package cache), or set ConvoyNativeCompatibility=false to use the file as it is.", Assert.Single(errors));
        Assert.False(File.Exists(destination));
    }

    [Fact]
    public void Execute_SourceMissing_FailsWithItsPath()
    {
        string source = Path.Combine(_directory, "missing.so");

        Assert.False(Execute(source, Path.Combine(_directory, "copy.so"), out List<string> errors));

        Assert.StartsWith(source + ": ", Assert.Single(errors), StringComparison.Ordinal);
    }

    private static bool Execute(string source, string destination, out List<string> errors)
    {
        var engine = new RecordingEngine();
        bool done = new LoadOnOlderSystems { BuildEngine = engine, Source = source, Destination = destination }.Execute();
        errors = engine.Errors;
        return done;
    }

    /// <summary>Keeps the errors that a task logs.</summary>
    private sealed class RecordingEngine : IBuildEngine
    {
        public List<string> Errors { get; } = [];

        public bool ContinueOnError => false;

        public int LineNumberOfTaskNode => 0;

        public int ColumnNumberOfTaskNode => 0;

        public string ProjectFileOfTaskNode => "test.proj";

        public void LogErrorEvent(BuildErrorEventArgs e) => Errors.Add(e.Message!);

        public void LogWarningEvent(BuildWarningEventArgs e)
        {
        }

        public void LogMessageEvent(BuildMessageEventArgs e)
        {
        }

        public void LogCustomEvent(CustomBuildEventArgs e)
        {
        }

        public bool BuildProjectFile(string projectFileName, string[] targetNames, IDictionary globalProperties, IDictionary targetOutputs) =>
            throw new NotSupportedException();
    }
}
