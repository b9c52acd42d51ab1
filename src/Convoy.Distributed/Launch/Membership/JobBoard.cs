using System.Text.Json;

namespace Convoy.Distributed.Launch.Membership;

/// <summary>
/// What the launchers of one job tell each other through the store that node 0 serves. A launcher that arrives draws a ticket, by which it is known until it
/// leaves or is lost: one that comes back draws another.
/// </summary>
/// <remarks>
/// Keys: <c>job</c> has node 0's settings, <c>arrived</c> counts the tickets, <c>arrival/{t}</c> introduces a launcher, <c>beat/{t}</c> counts its signs of life,
/// <c>refused/{t}</c> and <c>lost/{t}</c> say that it does not, or no longer, belong to the job and why. <c>start/{s}</c> names the machines of a start, <c>{s}/ready</c> says
/// that its workers' store is there, <c>{s}/stop</c> and <c>{s}/stop/{reason}</c> that all are to end their workers, <c>{s}/report/{t}</c> how a machine's fared, <c>{s}/outcome</c>
/// what follows. <c>end</c> says that the job has ended, <c>left/{t}</c> that a launcher needs the store no longer.
/// </remarks>
internal sealed class JobBoard(Store store)
{
    private static readonly JsonSerializerOptions Format = new() { RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true };

    /// <summary>How many launchers have ever drawn a ticket.</summary>
    public long Arrived => store.Add("arrived", 0);

    /// <summary>Node 0 says with which settings the job runs.</summary>
    public void Open(NodeIntroduction first) => Write("job", first);

    /// <summary>Node 0's settings, once it has said them.</summary>
    /// <exception cref="UnreadableEntryException">They cannot be read.</exception>
    public NodeIntroduction ReadJob(TimeSpan patience) => Read<NodeIntroduction>("job", patience);

    /// <summary>Introduces a launcher.</summary>
    /// <returns>Its ticket, from 1.</returns>
    public long Arrive(NodeIntroduction node)
    {
        long ticket = store.Add("arrived", 1);
        Write($"arrival/{ticket}", node);
        return ticket;
    }

    /// <summary>Who drew a ticket; null while it has not said so.</summary>
    /// <exception cref="UnreadableEntryException">It cannot be read.</exception>
    public NodeIntroduction? Arrival(long ticket) => Find<NodeIntroduction>($"arrival/{ticket}");

    /// <summary>A sign of life.</summary>
    public void Beat(long ticket) => store.Add($"beat/{ticket}", 1);

    /// <summary>How many signs of life there were.</summary>
    public long Beats(long ticket) => store.Add($"beat/{ticket}", 0);

    /// <summary>A launcher does not belong to the job.</summary>
    public void Refuse(long ticket, string reason) => store.Set($"refused/{ticket}", reason);

    /// <summary>Why a launcher does not belong to the job; null: it does.</summary>
    public string? Refusal(long ticket) => store.Contains($"refused/{ticket}") ? store.GetText($"refused/{ticket}") : null;

    /// <summary>A launcher counts as lost.</summary>
    public void MarkLost(long ticket) => store.Set($"lost/{ticket}", "1");

    /// <summary>Whether a launcher counts as lost.</summary>
    public bool IsLost(long ticket) => store.Contains($"lost/{ticket}");

    /// <summary>A start begins.</summary>
    public void Begin(NodeStart start) => Write($"start/{start.Number}", start);

    /// <summary>A start by its number; null while it has not begun.</summary>
    /// <exception cref="UnreadableEntryException">It cannot be read.</exception>
    public NodeStart? Start(int number) => Find<NodeStart>($"start/{number}");

    /// <summary>The workers' store of a start is there.</summary>
    public void SetReady(int start) => store.Set($"{start}/ready", "1");

    /// <summary>Whether the workers' store of a start is there.</summary>
    public bool IsReady(int start) => store.Contains($"{start}/ready");

    /// <summary>Asks all launchers to end their workers.</summary>
    public void AskToStop(int start, string reason)
    {
        store.Set($"{start}/stop/{reason}", "1");
        store.Set($"{start}/stop", "1");
    }

    /// <summary>Whether somebody asked all launchers to end their workers, for whatever reason.</summary>
    public bool IsAskedToStop(int start) => store.Contains($"{start}/stop");

    /// <summary>Whether somebody asked all launchers to end their workers for a reason.</summary>
    public bool IsAskedToStop(int start, string reason) => store.Contains($"{start}/stop/{reason}");

    /// <summary>Says how a machine's workers fared.</summary>
    public void Report<T>(int start, long ticket, T report) => Write($"{start}/report/{ticket}", report);

    /// <summary>How a machine's workers fared; null while it has not said so.</summary>
    /// <exception cref="UnreadableEntryException">It cannot be read.</exception>
    public T? FindReport<T>(int start, long ticket)
        where T : class => Find<T>($"{start}/report/{ticket}");

    /// <summary>Says how a start ended on all machines.</summary>
    public void Conclude<T>(int start, T outcome) => Write($"{start}/outcome", outcome);

    /// <summary>How a start ended on all machines; null while it has not.</summary>
    /// <exception cref="UnreadableEntryException">It cannot be read.</exception>
    public T? FindOutcome<T>(int start)
        where T : class => Find<T>($"{start}/outcome");

    /// <summary>The job has ended.</summary>
    public void End(JobEnd end) => Write("end", end);

    /// <summary>How the job ended; null while it goes on.</summary>
    /// <exception cref="UnreadableEntryException">It cannot be read.</exception>
    public JobEnd? FindEnd() => Find<JobEnd>("end");

    /// <summary>A launcher needs the store no longer.</summary>
    public void Leave(long ticket) => store.Set($"left/{ticket}", "1");

    /// <summary>Whether a launcher needs the store no longer.</summary>
    public bool HasLeft(long ticket) => store.Contains($"left/{ticket}");

    private void Write<T>(string key, T value) => store.Set(key, JsonSerializer.SerializeToUtf8Bytes(value));

    private T? Find<T>(string key)
        where T : class => store.Contains(key) ? Read<T>(key, store.Timeout) : null;

    private T Read<T>(string key, TimeSpan patience)
    {
        byte[] text = store.Get(key, patience);
        try
        {
            return JsonSerializer.Deserialize<T>(text, Format) ?? throw new JsonException("null");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new UnreadableEntryException($"cannot read what another launcher wrote at {key} ({error.Message.ReplaceLineEndings(" ").TrimEnd('.')}). Run the same version of Convoy on all machines.", error);
        }
    }
}

/// <summary>How a job ended, for launchers that were in none of its last start's workers.</summary>
/// <param name="Error">Why it failed; null: it did not.</param>
/// <param name="Interrupted">Whether it was interrupted.</param>
internal sealed record JobEnd(string? Error, bool Interrupted);

/// <summary>What another launcher wrote cannot be read.</summary>
internal sealed class UnreadableEntryException(string message, Exception innerException) : DistributedException(message, innerException);
