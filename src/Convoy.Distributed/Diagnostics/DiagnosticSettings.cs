using System.Globalization;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Diagnostics;

/// <summary>What the environment says about finding errors.</summary>
/// <param name="ComparesCalls">TORCH_DISTRIBUTED_DEBUG=DETAIL: whether to compare what the ranks call. Default: not.</param>
/// <param name="FlightRecords">TORCH_FR_BUFFER_SIZE: how many operations to remember; 0: none. Default: 2000.</param>
/// <param name="FlightDirectory">CONVOY_FLIGHT_RECORDER_DIR: where to write them on failure; null: nowhere.</param>
/// <param name="LinkLatencyMs">CONVOY_LINK_LATENCY_MS: latency of the slow link to simulate, milliseconds. Default: 0.</param>
/// <param name="LinkGbps">CONVOY_LINK_GBPS: its bandwidth in 10^9 bits per second. Default: infinite.</param>
public sealed record DiagnosticSettings(
    bool ComparesCalls = false, int FlightRecords = FlightRecorder.DefaultCapacity, string? FlightDirectory = null, double LinkLatencyMs = 0, double LinkGbps = double.PositiveInfinity)
{
    /// <summary>The variable that turns the comparison of calls on, with PyTorch's values: OFF, INFO, DETAIL. INFO does nothing here.</summary>
    public const string DebugVariable = "TORCH_DISTRIBUTED_DEBUG";

    /// <summary>The variable that says how many operations the flight recorder remembers, 0 to 1,000,000.</summary>
    public const string FlightRecordsVariable = "TORCH_FR_BUFFER_SIZE";

    /// <summary>The variable that names the folder for the flight recorder's files.</summary>
    public const string FlightDirectoryVariable = "CONVOY_FLIGHT_RECORDER_DIR";

    /// <summary>The variable with the simulated link's latency in milliseconds.</summary>
    public const string LinkLatencyVariable = "CONVOY_LINK_LATENCY_MS";

    /// <summary>The variable with the simulated link's bandwidth in 10^9 bits per second.</summary>
    public const string LinkGbpsVariable = "CONVOY_LINK_GBPS";

    /// <summary>Reads the variables of this process.</summary>
    /// <exception cref="RendezvousException">A variable is wrong; the message names it.</exception>
    public static DiagnosticSettings Read() => Read(Environment.GetEnvironmentVariable);

    /// <summary>Reads the variables through <paramref name="variable"/>, which gives a variable's value or null.</summary>
    /// <exception cref="RendezvousException">A variable is wrong; the message names it.</exception>
    public static DiagnosticSettings Read(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        string? Value(string name) => variable(name) is { Length: > 0 } value ? value : null;
        bool compares = (Value(DebugVariable) ?? "OFF").ToUpperInvariant() switch
        {
            "DETAIL" => true,
            "OFF" or "INFO" => false,
            _ => throw Wrong(DebugVariable, Value(DebugVariable)!, "Set it to DETAIL, INFO or OFF."),
        };
        return new DiagnosticSettings(
            compares,
            (int)Number(FlightRecordsVariable, FlightRecorder.DefaultCapacity, value => value is >= 0 and <= 1_000_000 && value == Math.Floor(value), "a whole number from 0 to 1000000"),
            Value(FlightDirectoryVariable),
            Number(LinkLatencyVariable, 0, value => value is >= 0 and <= 10_000, "a number of milliseconds from 0 to 10000"),
            Number(LinkGbpsVariable, double.PositiveInfinity, value => value > 0, "a number above 0"));

        double Number(string name, double fallback, Func<double, bool> valid, string form) =>
            Value(name) is not { } text ? fallback
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && valid(number) ? number
            : throw Wrong(name, text, $"Set it to {form}, or leave it out.");
    }

    /// <summary>Puts around <paramref name="group"/> what the settings ask for. All ranks do, with the same settings.</summary>
    /// <param name="group">A group that is not used yet.</param>
    /// <param name="store">The job's store, which <paramref name="group"/> closes.</param>
    /// <returns>The group to use, which owns <paramref name="group"/>.</returns>
    public ProcessGroup Apply(ProcessGroup group, Store store)
    {
        ArgumentNullException.ThrowIfNull(group);
        ProcessGroup outer = LinkLatencyMs > 0 || double.IsFinite(LinkGbps) ? new ProcessGroupSlowed(group, TimeSpan.FromMilliseconds(LinkLatencyMs), LinkGbps) : group;
        outer = ComparesCalls ? new ProcessGroupChecked(outer, store) : outer;
        outer.Store = store;
        if (FlightRecords > 0)
        {
            var recorder = new FlightRecorder(group.Rank, group.Size, FlightDirectory, FlightRecords);
            recorder.WriteWhenProcessFails();
            outer.Observe(recorder);
        }

        return outer;
    }

    private static RendezvousException Wrong(string name, string value, string remedy) => new($"environment variable {name} is invalid ({value}). {remedy}");
}
