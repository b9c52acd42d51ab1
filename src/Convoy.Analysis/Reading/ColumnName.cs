using System.Text;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>
/// Understands the names that people and tools give to columns: <c>num_procs</c>, <c>World Size</c>, <c>epoch time (min)</c>,
/// <c>throughput_img_s</c>, <c>sec/it</c>. A name counts only when all of its words are understood.
/// </summary>
internal static class ColumnName
{
    /// <summary>What is understood, for messages.</summary>
    public const string Known =
        "processes (procs, gpus, ranks, world size, workers, n), seconds (time, epoch time, step time, in ms, s, min or h), samples/s (throughput, images per second, it/s), speedup, efficiency, precision, threads, batch size, repeat";

    private static readonly Dictionary<string, double> TimeUnits = Words<double>(
        (1, "s sec secs second seconds"), (1e-3, "ms msec millisecond milliseconds millis"), (1e-6, "us usec microsecond microseconds"),
        (1e-9, "ns nanosecond nanoseconds"), (60, "min mins minute minutes"), (3600, "h hr hrs hour hours"));

    private static readonly Dictionary<string, TimeBasis> Work = Words<TimeBasis>(
        (TimeBasis.Step, "step steps it its iter iters iteration iterations batch batches update updates minibatch"),
        (TimeBasis.Sample, "image images img imgs sample samples frame frames example examples item items picture pictures"),
        (TimeBasis.Run, "epoch epochs run runs"));

    private static readonly HashSet<string> Images = Set("image images img imgs picture pictures");

    private static readonly Dictionary<string, ColumnKind> ProcessWords = Words<ColumnKind>(
        (ColumnKind.Processes, "process processes proc procs nproc nprocs numproc numprocs nprocesses gpus ngpu ngpus numgpus ranks nrank nranks world worldsize devices ndevices replicas accelerators"),
        (ColumnKind.PerhapsProcesses, "gpu rank device replica accelerator worker workers nworker nworkers numworkers cpu cpus ncpu ncpus core cores ncores n np p"));

    private static readonly HashSet<string> TimeWords = Set("time times elapsed duration runtime walltime wallclock latency took steptime epochtime");
    private static readonly HashSet<string> RateWords = Set("throughput fps ips");
    private static readonly HashSet<string> Nodes = Set("node nodes nnode nnodes host hosts machine machines");
    private static readonly HashSet<string> Spread = Set("std stdev stddev sd sem stderr variance var error err ci low lower high upper max minimum maximum spread iqr cv noise percentile");
    private static readonly HashSet<string> Moments = Set("timestamp date datetime start end begin started ended finished");
    private static readonly HashSet<string> Phases = Set("forward backward data comm communication wait waiting loading load compile startup warmup init optimizer io eval validation allreduce sync");
    private static readonly HashSet<string> Harmless = Set("repeat repeats repetition rep reps replicate trial run runs seed index idx id attempt loss losses accuracy acc f1 iou memory mem rss power energy cost price note notes comment comments remark remarks lr learning rate val train mb gb watt usd eur");

    // Words that change nothing about what a name says.
    private static readonly HashSet<string> Fillers = Set("number num no nr count of the a in each all total overall global whole full mean avg average median measured train training wall clock size used taken relative parallel");

    /// <summary>The column of that name.</summary>
    public static Column Parse(string name)
    {
        List<string> words = WordsOf(name);
        ColumnKind kind = words.Count == 0 || words is ["unnamed", "0"] ? ColumnKind.PassedOver : Simple(name, words);
        if (kind != ColumnKind.Unknown)
        {
            return new Column(name, kind);
        }

        return Rate(name, words) ?? Time(name, words) ?? new Column(name, Processes(words));
    }

    private static ColumnKind Simple(string name, List<string> words)
    {
        string[] meant = [.. words.Where(w => !Fillers.Contains(w))];
        bool perProcess = words.Contains("local") || IsPerProcess(words);
        return string.Join(' ', meant) switch
        {
            "speedup" or "speed up" or "speedups" or "speedup x" or "speed up x" => ColumnKind.Speedup,
            "efficiency" or "scaling efficiency" or "eff" or "efficiency percent" or "scaling efficiency percent" => ColumnKind.Efficiency,
            "precision" or "dtype" or "data type" or "datatype" or "arithmetic" => ColumnKind.Precision,
            "amp" or "mixed precision" or "autocast" => ColumnKind.MixedPrecision,
            "thread" or "threads" or "nthreads" or "nthread" or "threads per process" or "threads per rank" or "omp threads" or "intra op threads" => ColumnKind.Threads,
            "batch" or "batchsize" or "bs" or "globalbatch" => perProcess ? ColumnKind.BatchPerProcess : ColumnKind.Batch,
            "local batch" or "batch per gpu" or "batch per process" or "batch per rank" or "batch per device" => ColumnKind.BatchPerProcess,
            _ when Enumerable.Range(0, words.Count).Any(i => IsSpread(words, i, name)) && words.TrueForAll(w => Spread.Contains(w) || IsOfMeasurement(w)) => ColumnKind.PassedOver,
            _ when words.Exists(Moments.Contains) && words.TrueForAll(w => Moments.Contains(w) || TimeWords.Contains(w)) => ColumnKind.PassedOver,
            _ when words.Count > 1 && words.Exists(Phases.Contains) && words.TrueForAll(w => Phases.Contains(w) || IsOfMeasurement(w)) => ColumnKind.PassedOver,
            _ when meant.Length > 0 && Array.TrueForAll(meant, Harmless.Contains) => ColumnKind.PassedOver,
            _ => ColumnKind.Unknown,
        };
    }

    // min is a minute in brackets and beside per, else the least.
    private static bool IsSpread(List<string> words, int i, string name) => words[i] == "min"
        ? !HasInBrackets(name, "min") && words.ElementAtOrDefault(i - 1) != "per" && words.ElementAtOrDefault(i + 1) != "per"
        : Spread.Contains(words[i]);

    private static bool IsOfMeasurement(string word) => Fillers.Contains(word) || TimeWords.Contains(word) || TimeUnits.ContainsKey(word) || Work.ContainsKey(word) || word is "per" or "percent";

    // Images per second, img_s, throughput, it/s, images/s per GPU.
    private static Column? Rate(string name, List<string> words)
    {
        bool perProcess = words.Contains("local") || IsPerProcess(words);
        List<string> rest = [.. WithoutPerProcess(words).Where(w => !Fillers.Contains(w) && w != "local")];
        bool named = rest.RemoveAll(RateWords.Contains) > 0;
        string? unit = rest.Find(TimeUnits.ContainsKey);
        string? work = rest.Find(Work.ContainsKey);
        rest.RemoveAll(w => w == unit || w == work || w == "per");
        if (rest.Count > 0 || (!named && (unit is null || work is null)))
        {
            return null;
        }

        // step_s is a step's seconds, and s/it an iteration's: only what comes before the unit is done in it.
        bool workFirst = unit is not null && work is not null && words.IndexOf(work) < words.IndexOf(unit);
        bool isRate = named ? workFirst || unit is null || work is null : workFirst && (words.Contains("per") || Work[work!] == TimeBasis.Sample);
        if (!isRate)
        {
            return null;
        }

        return new Column(name, ColumnKind.Rate)
        {
            Basis = work is null ? TimeBasis.Sample : Work[work],
            NamesBasis = true,
            UnitSeconds = unit is null ? 1 : TimeUnits[unit],
            SampleNoun = words.Exists(Images.Contains) ? "image" : null,
            IsPerProcess = perProcess,
        };
    }

    private static Column? Time(string name, List<string> words)
    {
        List<string> rest = [.. words.Where(w => !Fillers.Contains(w) && w != "per")];
        bool named = rest.RemoveAll(TimeWords.Contains) > 0;
        string[] units = [.. rest.Where(TimeUnits.ContainsKey).Distinct()];
        string[] work = [.. rest.Where(Work.ContainsKey).Distinct()];
        if (words.Contains("steptime"))
        {
            work = [.. work, "step"];
        }

        rest.RemoveAll(w => TimeUnits.ContainsKey(w) || Work.ContainsKey(w));
        if (rest.Count > 0 || units.Length > 1 || work.Length > 1 || (!named && units.Length == 0))
        {
            return null;
        }

        return new Column(name, ColumnKind.Time)
        {
            Basis = work.Length == 0 ? TimeBasis.Run : Work[work[0]],
            NamesBasis = work.Length > 0 || words.Contains("epochtime"),
            UnitSeconds = units.Length == 0 ? 1 : TimeUnits[units[0]],
            SampleNoun = words.Exists(Images.Contains) ? "image" : null,
        };
    }

    private static ColumnKind Processes(List<string> words)
    {
        List<string> rest = [.. words.Where(w => !Fillers.Contains(w))];
        if (rest is ["nproc" or "nprocs" or "proc" or "procs" or "process" or "processes" or "gpu" or "gpus" or "rank" or "ranks" or "n" or "worker" or "workers", "per", "node" or "host" or "machine"])
        {
            return ColumnKind.ProcessesPerNode;
        }

        if (rest.Count > 0 && rest.TrueForAll(Nodes.Contains))
        {
            return ColumnKind.Nodes;
        }

        // "n gpus" has a letter and a word for the same thing: the word says which.
        rest.RemoveAll(w => w is "n" && rest.Count > 1);
        return rest.Count switch
        {
            1 => ProcessWords.GetValueOrDefault(rest[0]),
            2 when rest.TrueForAll(w => ProcessWords.GetValueOrDefault(w) == ColumnKind.Processes || w is "worker") => ColumnKind.Processes,
            _ => ColumnKind.Unknown,
        };
    }

    private static bool IsPerProcess(List<string> words) => words.Count - WithoutPerProcess(words).Count > 0;

    // "images per s per gpu" without "per gpu".
    private static List<string> WithoutPerProcess(List<string> words)
    {
        int at = words.FindLastIndex(w => w == "per");
        return at > 0 && at + 2 == words.Count && ProcessWords.ContainsKey(words[at + 1]) && words[at + 1] is not "n" ? words[..at] : words;
    }

    private static bool HasInBrackets(string name, string word)
    {
        int at = name.IndexOfAny(['(', '[']);
        return at >= 0 && WordsOf(name[at..]).Contains(word);
    }

    private static List<string> WordsOf(string name)
    {
        var spaced = new StringBuilder();
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i] is '\u00B5' or '\u03BC' ? 'u' : name[i];
            spaced.Append(i > 0 && char.IsLower(name[i - 1]) && char.IsUpper(c) ? " " : "");
            spaced.Append(c switch
            {
                '/' => " per ",
                '%' => " percent ",
                _ when char.IsLetterOrDigit(c) => char.ToLowerInvariant(c).ToString(),
                _ => " ",
            });
        }

        return [.. spaced.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries)];
    }

    private static HashSet<string> Set(string words) => [.. words.Split(' ')];

    private static Dictionary<string, T> Words<T>(params (T Meaning, string Words)[] groups) =>
        groups.SelectMany(g => g.Words.Split(' ').Select(word => (word, g.Meaning))).ToDictionary(p => p.word, p => p.Meaning);
}

/// <summary>A column of a table, as far as its name says.</summary>
/// <param name="Name">The name as it stands there.</param>
/// <param name="Kind">What it holds.</param>
internal sealed record Column(string Name, ColumnKind Kind)
{
    /// <summary>Of times and rates: what the time is of.</summary>
    public TimeBasis Basis { get; init; } = TimeBasis.Run;

    /// <summary>Of times and rates: whether the name itself says what the time is of.</summary>
    public bool NamesBasis { get; init; }

    /// <summary>Of times and rates: the unit of time in seconds.</summary>
    public double UnitSeconds { get; init; } = 1;

    /// <summary>Of times and rates: what the name calls a sample; null when it does not.</summary>
    public string? SampleNoun { get; init; }

    /// <summary>Of rates: whether it is that of one process.</summary>
    public bool IsPerProcess { get; init; }
}

/// <summary>What a column of a table holds.</summary>
internal enum ColumnKind
{
    /// <summary>Nothing that the name says.</summary>
    Unknown,

    /// <summary>Processes in all.</summary>
    Processes,

    /// <summary>What may be processes, unless another column is: <c>workers</c> may be the loader's.</summary>
    PerhapsProcesses,

    /// <summary>Processes of each machine.</summary>
    ProcessesPerNode,

    /// <summary>Machines.</summary>
    Nodes,

    /// <summary>A time.</summary>
    Time,

    /// <summary>Work in a time: the more the faster.</summary>
    Rate,

    /// <summary>How many times as fast as the first.</summary>
    Speedup,

    /// <summary>Speed-up for each process.</summary>
    Efficiency,

    /// <summary>The arithmetic's name.</summary>
    Precision,

    /// <summary>Whether mixed precision was on.</summary>
    MixedPrecision,

    /// <summary>Threads of each process.</summary>
    Threads,

    /// <summary>Samples of one step, all processes together.</summary>
    Batch,

    /// <summary>Samples of one step in each process.</summary>
    BatchPerProcess,

    /// <summary>What changes nothing: a number of the repeat, a spread, a loss.</summary>
    PassedOver,
}
