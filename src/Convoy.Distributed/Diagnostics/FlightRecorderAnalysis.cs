using System.Globalization;

namespace Convoy.Distributed.Diagnostics;

/// <summary>Compares the recordings of all ranks: where they parted, and who is behind.</summary>
public sealed class FlightRecorderAnalysis
{
    /// <summary>Compares <paramref name="recordings"/>, one for each rank that left one, as <see cref="FlightRecording.ReadAll"/> gives them.</summary>
    public FlightRecorderAnalysis(IReadOnlyList<FlightRecording> recordings)
    {
        ArgumentNullException.ThrowIfNull(recordings);
        List<string> findings = [];
        if (recordings.Count > 0)
        {
            int[] silent = [.. Enumerable.Range(0, recordings.Max(recording => recording.Size)).Except(recordings.Select(recording => recording.Rank))];
            findings.AddRange(recordings.SelectMany(recording => recording.Operations.Select(operation => operation.Group)).Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal).Select(group => new GroupHistory(group, recordings).Describe()).OfType<string>());
            if (silent.Length > 0)
            {
                findings.Add($"{RankList.Describe(silent)} left no recording: killed, stopped, or not at fault and still running.");
            }
        }

        Findings = findings;
    }

    /// <summary>What is wrong, a sentence each; empty when nothing is.</summary>
    public IReadOnlyList<string> Findings { get; }

    /// <summary>Reads and compares the recordings in <paramref name="directory"/>.</summary>
    /// <param name="directory">The folder; it need not exist.</param>
    /// <param name="onDamaged">Told of each file that is passed over because it is damaged, in a line; null: nobody is.</param>
    public static FlightRecorderAnalysis Read(string directory, Action<string>? onDamaged = null) => new(FlightRecording.ReadAll(directory, onDamaged));

    /// <summary>All findings in one line.</summary>
    public override string ToString() => string.Join(" ", Findings);

    /// <summary>The collective operations of one group on all ranks.</summary>
    private sealed class GroupHistory
    {
        private readonly string _group;
        private readonly SortedDictionary<int, Dictionary<long, FlightRecord>> _ranks = [];

        public GroupHistory(string group, IReadOnlyList<FlightRecording> recordings)
        {
            _group = group;
            foreach (FlightRecording recording in recordings)
            {
                // Ranks of the job: a group's own numbers would say little to who reads this.
                Dictionary<long, FlightRecord> operations = recording.Operations.Where(operation => operation.Group == group && !operation.IsMessage)
                    .GroupBy(operation => operation.Number).ToDictionary(same => same.Key, same => same.Last());
                if (operations.Count > 0 || group == "default")
                {
                    _ranks.Add(recording.Rank, operations);
                }
            }
        }

        // A group with messages only has nothing that all ranks must do.
        public string? Describe() => _ranks.Count == 0 ? null : Parting() ?? Behind() ?? Unfinished();

        // The first operation at which two ranks called different things.
        private string? Parting() => _ranks.Values.SelectMany(operations => operations.Keys).Distinct().Order()
            .Select(number => CallComparison.Describe([.. Enumerable.Range(0, _ranks.Keys.Max() + 1).Select(rank => Call(rank, number))], number, _group))
            .FirstOrDefault(difference => difference is not null);

        private string? Behind()
        {
            long newest = _ranks.Values.Max(Newest);
            int[] behind = [.. _ranks.Where(rank => Newest(rank.Value) < newest).Select(rank => rank.Key)];
            if (behind.Length == 0)
            {
                return null;
            }

            int[] ahead = [.. _ranks.Keys.Except(behind)];
            string last = string.Join(", ", behind.Select(rank => Last(rank)));
            return string.Create(CultureInfo.InvariantCulture,
                $"{RankList.Describe(behind)} {(behind.Length == 1 ? "is" : "are")} behind in group {_group}: {last}, while {RankList.Describe(ahead)} reached operation {newest}, {_ranks[ahead[0]][newest].Call}.");
        }

        private string? Unfinished()
        {
            int[] within = [.. _ranks.Where(rank => rank.Value.Count > 0 && rank.Value[Newest(rank.Value)].FinishedSeconds is null).Select(rank => rank.Key)];
            return within.Length == 0 ? null : string.Create(CultureInfo.InvariantCulture,
                $"{RankList.Describe(within)} did not finish operation {Newest(_ranks[within[0]])} of group {_group}, {_ranks[within[0]][Newest(_ranks[within[0]])].Call}.");
        }

        private string? Call(int rank, long number) => _ranks.TryGetValue(rank, out Dictionary<long, FlightRecord>? operations) && operations.TryGetValue(number, out FlightRecord? operation)
            ? operation.Kind == OperationKind.AllToAll ? nameof(OperationKind.AllToAll) : operation.Call
            : null;

        private string Last(int rank)
        {
            Dictionary<long, FlightRecord> operations = _ranks[rank];
            long number = Newest(operations);
            return number == 0
                ? string.Create(CultureInfo.InvariantCulture, $"rank {rank} called nothing")
                : string.Create(CultureInfo.InvariantCulture,
                    $"the last of rank {rank} was operation {number}, {operations[number].Call} ({(operations[number].Error is not null ? "failed" : operations[number].FinishedSeconds is null ? "not finished" : "finished")})");
        }

        private static long Newest(Dictionary<long, FlightRecord> operations) => operations.Count == 0 ? 0 : operations.Keys.Max();
    }
}
