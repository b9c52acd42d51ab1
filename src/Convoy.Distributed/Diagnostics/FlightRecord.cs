using System.Diagnostics;
using System.Text.Json.Serialization;

namespace Convoy.Distributed.Diagnostics;

/// <summary>One operation of one rank, as a <see cref="FlightRecorder"/> remembers it. Times are seconds of the clock that all processes of a machine share.</summary>
/// <param name="Group">The name of the group.</param>
/// <param name="Number">Its number among the group's collective operations, or among its messages; see <see cref="Work.Number"/>.</param>
/// <param name="Kind">Which operation.</param>
/// <param name="Call">The operation with its arguments, as <see cref="Operation.ToString"/> gives it.</param>
/// <param name="QueuedSeconds">When it was asked for.</param>
/// <param name="StartedSeconds">When this rank began it.</param>
/// <param name="AllArrivedSeconds">When all ranks had begun it; null when that has not happened or is not known.</param>
/// <param name="FinishedSeconds">When it was done or failed; null when it was under way.</param>
/// <param name="Error">Why it failed; null when it did not.</param>
public sealed record FlightRecord(
    string Group,
    long Number,
    [property: JsonConverter(typeof(JsonStringEnumConverter<OperationKind>))] OperationKind Kind,
    string Call,
    double QueuedSeconds,
    double StartedSeconds,
    double? AllArrivedSeconds,
    double? FinishedSeconds,
    string? Error)
{
    /// <summary>Whether it concerns two ranks only.</summary>
    [JsonIgnore]
    public bool IsMessage => Kind is OperationKind.Send or OperationKind.Receive;

    /// <summary>The record of <paramref name="work"/> as it is now.</summary>
    internal static FlightRecord Of(Work work) => new(
        work.Group,
        work.Number,
        work.Operation.Kind,
        work.Operation.ToString(),
        Seconds(work.QueuedTimestamp),
        Seconds(work.StartedTimestamp),
        work.AllArrivedTimestamp == 0 ? null : Seconds(work.AllArrivedTimestamp),
        work.FinishedTimestamp == 0 ? null : Seconds(work.FinishedTimestamp),
        work.Error?.Message);

    private static double Seconds(long timestamp) => (double)timestamp / Stopwatch.Frequency;
}
