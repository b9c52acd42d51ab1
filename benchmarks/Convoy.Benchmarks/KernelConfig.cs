using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Loggers;

namespace Convoy.Benchmarks;

/// <summary>What is written where: the table on the console and as Markdown in <c>artifacts/benchmarks</c>, with the managed memory allocated.</summary>
internal sealed class KernelConfig : ManualConfig
{
    public KernelConfig()
    {
        AddColumnProvider(DefaultColumnProviders.Instance);
        AddLogger(ConsoleLogger.Default);
        AddExporter(MarkdownExporter.GitHub);
        AddDiagnoser(MemoryDiagnoser.Default);
        WithArtifactsPath(Path.Combine("artifacts", "benchmarks"));
    }
}
