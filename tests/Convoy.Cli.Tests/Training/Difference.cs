using System.Globalization;
using Convoy.Training.Checkpoints;
using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Cli.Tests.Training;

/// <summary>How far two runs' checkpoints are apart.</summary>
/// <param name="Largest">The largest difference of two elements.</param>
/// <param name="Relative">The Euclidean norm of all differences over <paramref name="Norm"/>.</param>
/// <param name="Norm">The Euclidean norm of the first run's values.</param>
internal sealed record Difference(double Largest, double Relative, double Norm)
{
    /// <summary>Compares the tensors whose names end with one of <paramref name="endings"/>, or all.</summary>
    public static Difference Of(string firstRun, string secondRun, string file, params string[] endings)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> first = SafetensorsFile.Read(TrainingFixture.CheckpointFile(firstRun, file));
        Dictionary<string, Tensor> second = SafetensorsFile.Read(TrainingFixture.CheckpointFile(secondRun, file));
        Assert.Equal(first.Keys.Order(StringComparer.Ordinal), second.Keys.Order(StringComparer.Ordinal));
        string[] names = [.. first.Keys.Where(name => endings.Length == 0 || endings.Any(ending => name.EndsWith(ending, StringComparison.Ordinal)))];
        Assert.NotEmpty(names);
        double largest = 0, squares = 0, norm = 0;
        foreach (string name in names)
        {
            Tensor value = first[name].to(ScalarType.Float64), difference = value - second[name].to(ScalarType.Float64);
            largest = Math.Max(largest, difference.abs().max().item<double>());
            squares += difference.square().sum().item<double>();
            norm += value.square().sum().item<double>();
        }

        return new Difference(largest, Math.Sqrt(squares / norm), Math.Sqrt(norm));
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"largest {Largest:e2}, relative {Relative:e2}");
}
