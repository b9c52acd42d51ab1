using System.Text.Json;
using System.Text.Json.Serialization;
using Convoy.Metrics;
using static TorchSharp.torch;

namespace Convoy.Training.Measurement;

/// <summary>How fast one process multiplies matrices in some precisions with some numbers of threads: measured in a process of the program with the task, whose libtorch will train.</summary>
/// <param name="Requests">What to measure.</param>
public sealed record PeakMeasurement(IReadOnlyList<PeakRequest> Requests)
{
    private const string FileName = "peaks.json", Mark = "{\"MatrixPeaks\":";

    // All together; of one, what the fastest of a few products needs.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(1.5), OnePeak = TimeSpan.FromMilliseconds(200);

    /// <summary>Writes what to measure into the folder of the measurement.</summary>
    public void Write(string folder) => File.WriteAllText(Path.Combine(folder, FileName), JsonSerializer.Serialize(this, PeakJson.Default.PeakMeasurement));

    /// <summary>Reads a line of the process that measures; null for any other line, such as one that another writer of the same output cut up.</summary>
    public static IReadOnlyList<MatrixPeak>? FromLine(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        try
        {
            return line.StartsWith(Mark, StringComparison.Ordinal) ? JsonSerializer.Deserialize(line, PeakJson.Default.MeasuredPeaks)?.MatrixPeaks : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Measures, which takes about two seconds at most, in a process of its own.</summary>
    /// <param name="folder">The folder of the measurement.</param>
    /// <returns>A line for its standard output.</returns>
    /// <exception cref="BadInputException">There is no measurement in the folder.</exception>
    internal static string Measure(string folder)
    {
        string path = Path.Combine(folder, FileName);
        PeakMeasurement measurement;
        try
        {
            measurement = JsonSerializer.Deserialize(File.ReadAllText(path), PeakJson.Default.PeakMeasurement) ?? throw new JsonException("it is empty");
        }
        catch (Exception error) when (error is JsonException or IOException)
        {
            throw new BadInputException("no measurement of matrix products", path, $"Start 'convoy scale', which starts its processes itself: {error.Message}", error);
        }

        TimeSpan each = measurement.Requests.Count == 0 || Longest / measurement.Requests.Count > OnePeak ? OnePeak : Longest / measurement.Requests.Count;
        int threadsBefore = get_num_threads();
        try
        {
            return JsonSerializer.Serialize(new MeasuredPeaks([.. measurement.Requests.Select(request => Peak(request, each))]), PeakJson.Default.MeasuredPeaks);
        }
        finally
        {
            set_num_threads(threadsBefore);
        }
    }

    private static MatrixPeak Peak(PeakRequest request, TimeSpan duration)
    {
        set_num_threads(request.Threads);
        return new MatrixPeak(request.Precision.Name(), request.Threads, Math.Round(ArithmeticPeak.FlopsPerSecond(MatrixMultiplyMeter.TypeOf(request.Precision), duration) / 1e9, 1));
    }
}

/// <summary>A peak to measure.</summary>
/// <param name="Precision">The arithmetic.</param>
/// <param name="Threads">Threads that compute; at least 1.</param>
public sealed record PeakRequest(Precision Precision, int Threads);

/// <summary>What the process says.</summary>
internal sealed record MeasuredPeaks(IReadOnlyList<MatrixPeak> MatrixPeaks);

[JsonSerializable(typeof(PeakMeasurement))]
[JsonSerializable(typeof(MeasuredPeaks))]
internal sealed partial class PeakJson : JsonSerializerContext;
