using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Torch.Nn;
using Convoy.Training;

namespace Convoy.Cli.Training;

/// <summary>The command line's options of a training run, and how they become <see cref="TrainingOptions"/>.</summary>
/// <param name="defaults">The settings of the verb's runs where the command line says nothing.</param>
internal sealed class TrainingOptionSet(RunDefaults defaults)
{
    private const string Auto = "auto";

    private readonly Option<int?> _nproc = defaults.Option("--nproc", "Processes.", o => o.Nproc > 0 ? o.Nproc : (int?)null, "the most, up to the cores, that divide the batch");
    private readonly Option<string> _threads = defaults.Option("--threads", "libtorch's threads in each process, or auto for cores / processes.", o => o.Threads > 0 ? Text(o.Threads) : Auto);
    private readonly Option<string?> _val = Named(defaults.Option("--val", "Validation data.", o => o.Val, "the last clips of --data, see --val-split"), "DIR");
    private readonly Option<double> _valSplit = defaults.Option("--val-split", "The share of --data to hold out: its last clips. 0 holds out none.", o => o.ValSplit);
    private readonly Option<string> _encoder = defaults.Option("--encoder", "The encoder: resnet18 or resnet34.", o => Enum.GetName(o.Encoder)!.ToLowerInvariant());
    private readonly Option<string> _imageSize = defaults.Option("--image-size", "The size that the network sees.", o => o.ImageSize.ToString());
    private readonly Option<double?> _lineWidth = defaults.Option("--line-width", "Width of a lane in the masks, in pixels at --image-size.", o => o.LineWidth, "5 pixels at 1280x720, scaled");
    private readonly Option<int> _batchSize = defaults.Option("--batch-size", "Images of one step, over all processes.", o => o.BatchSize);
    private readonly Option<int> _epochs = defaults.Option("--epochs", "Passes over the training data.", o => o.Epochs);
    private readonly Option<long?> _steps = defaults.Option("--steps", "Steps of the run, in place of --epochs.", o => o.Steps, "by --epochs");
    private readonly Option<long?> _scheduleSteps = defaults.Option("--schedule-steps", "Steps after which the learning rate reaches 0, when the run is to be continued later.", o => o.ScheduleSteps, "the run's steps");
    private readonly Option<double> _lr = defaults.Option("--lr", "Learning rate, before --scale-lr.", o => o.Lr);
    private readonly Option<bool> _scaleLr = defaults.Option("--scale-lr", "Multiply the learning rate by the number of processes.", o => o.ScaleLr);
    private readonly Option<bool> _noScaleLr = Off("--no-scale-lr", "Leave the learning rate as it is.");
    private readonly Option<long?> _warmupUpdates = defaults.Option("--warmup-updates", "Updates over which the learning rate rises.", o => o.WarmupUpdates, "a twentieth of the run, at most 500");
    private readonly Option<double> _weightDecay = defaults.Option("--weight-decay", "AdamW's weight decay.", o => o.WeightDecay);
    private readonly Option<int> _accumulate = defaults.Option("--accumulate", "Steps whose gradients make one update.", o => o.Accumulate);
    private readonly Option<double> _clip = defaults.Option("--clip", "Largest norm of the gradients; 0 for no clipping.", o => o.Clip);
    private readonly Option<string> _precision = defaults.Option("--precision", "Type of convolutions and matrix products: fp32, bf16 or fp16 (slow on processors).", o => Enum.GetName(o.Precision)!.ToLowerInvariant());
    private readonly Option<string> _fuse = defaults.Option("--fuse", "Operations to run by Convoy's own kernels: all, none, or names from norm, decoder, loss, optimizer and convolution, separated by commas.", o => Enum.GetName(o.Fuse)!.ToLowerInvariant());
    private readonly Option<bool> _syncBn = defaults.Option("--sync-bn", "Batch norm over the whole global batch.", o => o.SyncBn);
    private readonly Option<bool> _noSyncBn = Off("--no-sync-bn", "Batch norm over each process's own images.");
    private readonly Option<bool> _augment = defaults.Option("--augment", "Change training frames at random.", o => o.Augment);
    private readonly Option<bool> _noAugment = Off("--no-augment", "Leave training frames as they are.");
    private readonly Option<int> _workers = defaults.Option("--workers", "Loader threads of each process.", o => o.Workers);
    private readonly Option<string?> _cache = Named(defaults.Option("--cache", "Keep decoded frames in this folder.", o => o.Cache, "no cache"), "DIR");
    private readonly Option<string?> _pretrained = Named(defaults.Option("--pretrained", "Start the encoder from torchvision's weights in this safetensors file.", o => o.Pretrained, "from scratch"), "FILE");
    private readonly Option<long> _checkpointEvery = defaults.Option("--checkpoint-every", "Steps between checkpoints; 0 writes only the last.", o => o.CheckpointEvery);
    private readonly Option<int> _keepCheckpoints = defaults.Option("--keep-checkpoints", "Checkpoints to keep; 0 writes none, for a run that is only measured.", o => o.KeepCheckpoints);
    private readonly Option<long> _seed = defaults.Option("--seed", "Seed of weights, order and random changes.", o => o.Seed);
    private readonly Option<bool?> _channelsLast = defaults.Option("--channels-last", "Keep features with their channels innermost, true or false.", _ => (bool?)null, "true on processors with AVX-512");
    private readonly Option<double> _timeout = defaults.Option("--timeout", "Seconds that a process waits for the others before the run fails.", o => o.TimeoutSeconds);

    private static Option<bool> Off(string name, string description) => new(name) { Description = description };

    private static Option<string?> Named(Option<string?> option, string value)
    {
        option.HelpName = value;
        return option;
    }

    /// <summary>The settings of a run where the command line says nothing.</summary>
    /// <param name="data">Where its data is, or will be.</param>
    /// <param name="drawn">Whether that is drawn.</param>
    public TrainingOptions Defaults(string data, bool drawn) => defaults.Of(data, drawn);

    /// <summary>Adds the options to a verb.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="except">Names of options that the verb has not, or has in a form of its own.</param>
    public void AddTo(Command verb, params IReadOnlyList<string> except)
    {
        foreach (Option option in new Option[]
        {
            _nproc, _threads, _val, _valSplit, _encoder, _imageSize, _lineWidth, _batchSize, _epochs, _steps, _scheduleSteps, _lr, _scaleLr, _noScaleLr,
            _warmupUpdates, _weightDecay, _accumulate, _clip, _precision, _fuse, _syncBn, _noSyncBn, _augment, _noAugment, _workers, _cache, _pretrained, _checkpointEvery,
            _keepCheckpoints, _seed, _channelsLast, _timeout,
        })
        {
            if (!except.Contains(option.Name))
            {
                verb.Options.Add(option);
            }
        }
    }

    /// <summary>The options of a run: what the command line says, and where it says nothing what <paramref name="otherwise"/> has.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="otherwise">The values of options that are not given: an earlier run's, or a new run's defaults.</param>
    /// <exception cref="BadInputException">A value is out of its range.</exception>
    public TrainingOptions Read(ParseResult parsed, TrainingOptions otherwise)
    {
        int batchSize = Pick(parsed, _batchSize, otherwise.BatchSize);
        int nproc = Pick(parsed, _nproc, otherwise.Nproc > 0 ? otherwise.Nproc : ProcessesFor(batchSize))!.Value;
        TrainingOptions options = otherwise with
        {
            Val = FullPath(Pick(parsed, _val, otherwise.Val)),
            ValSplit = Pick(parsed, _valSplit, otherwise.ValSplit),
            Nproc = nproc,
            Threads = Threads(parsed, otherwise, nproc),
            Encoder = IsGiven(parsed, _encoder) ? EncoderNamed(parsed.GetRequiredValue(_encoder)) : otherwise.Encoder,
            ImageSize = IsGiven(parsed, _imageSize) ? ImageSize.Parse(parsed.GetRequiredValue(_imageSize)) : otherwise.ImageSize,
            LineWidth = Pick(parsed, _lineWidth, otherwise.LineWidth),
            BatchSize = batchSize,
            Epochs = Pick(parsed, _epochs, otherwise.Epochs),
            Steps = IsGiven(parsed, _epochs) ? null : Pick(parsed, _steps, otherwise.Steps),
            ScheduleSteps = Pick(parsed, _scheduleSteps, otherwise.ScheduleSteps),
            Lr = Pick(parsed, _lr, otherwise.Lr),
            ScaleLr = Switch(parsed, _scaleLr, _noScaleLr, otherwise.ScaleLr),
            WarmupUpdates = Pick(parsed, _warmupUpdates, otherwise.WarmupUpdates),
            WeightDecay = Pick(parsed, _weightDecay, otherwise.WeightDecay),
            Accumulate = Pick(parsed, _accumulate, otherwise.Accumulate),
            Clip = Pick(parsed, _clip, otherwise.Clip),
            Precision = IsGiven(parsed, _precision) ? PrecisionNames.Parse(parsed.GetRequiredValue(_precision)) : otherwise.Precision,
            Fuse = IsGiven(parsed, _fuse) ? FusionsNamed(parsed.GetRequiredValue(_fuse)) : otherwise.Fuse,
            SyncBn = Switch(parsed, _syncBn, _noSyncBn, otherwise.SyncBn),
            Augment = Switch(parsed, _augment, _noAugment, otherwise.Augment),
            Workers = Pick(parsed, _workers, otherwise.Workers),
            Cache = FullPath(Pick(parsed, _cache, otherwise.Cache)),
            Pretrained = FullPath(Pick(parsed, _pretrained, otherwise.Pretrained)),
            CheckpointEvery = Pick(parsed, _checkpointEvery, otherwise.CheckpointEvery),
            KeepCheckpoints = Pick(parsed, _keepCheckpoints, otherwise.KeepCheckpoints),
            Seed = Pick(parsed, _seed, otherwise.Seed),
            ChannelsLast = Pick(parsed, _channelsLast, otherwise.ChannelsLast) ?? otherwise.ChannelsLast,
            TimeoutSeconds = Pick(parsed, _timeout, otherwise.TimeoutSeconds),
        };
        if (IsGiven(parsed, _steps) && IsGiven(parsed, _epochs))
        {
            throw new BadInputException("--steps and --epochs both say how long to train", string.Create(CultureInfo.InvariantCulture, $"{parsed.GetValue(_steps)} and {options.Epochs}"), "Give one of them.");
        }

        options.Validate();
        return options;
    }

    /// <summary>Whether the command line gives the option of that name.</summary>
    public static bool IsGiven(ParseResult parsed, string name) => parsed.GetResult(name) is OptionResult { Implicit: false };

    /// <summary>The most processes, up to the cores, among which <paramref name="batchSize"/> images are shared out equally.</summary>
    private static int ProcessesFor(int batchSize)
    {
        int processes = Math.Max(1, Math.Min(Environment.ProcessorCount, batchSize));
        while (batchSize % processes != 0)
        {
            processes--;
        }

        return processes;
    }

    private int Threads(ParseResult parsed, TrainingOptions otherwise, int nproc)
    {
        string given = IsGiven(parsed, _threads) || otherwise.Threads < 1 || IsGiven(parsed, _nproc) ? parsed.GetValue(_threads) ?? Auto : Text(otherwise.Threads);
        if (given == Auto)
        {
            return Math.Max(1, Environment.ProcessorCount / Math.Max(1, nproc));
        }

        return int.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out int threads)
            ? threads
            : throw new BadInputException("not a number of threads", given, "Give --threads 1 or more, or auto.");
    }

    internal static EncoderDepth EncoderNamed(string name) => name switch
    {
        "resnet18" => EncoderDepth.ResNet18,
        "resnet34" => EncoderDepth.ResNet34,
        _ => throw new BadInputException("unknown encoder", name, "Give --encoder resnet18 or resnet34."),
    };

    internal static FusedOperations FusionsNamed(string names)
    {
        FusedOperations fused = FusedOperations.None;
        foreach (string name in names.Split(',', StringSplitOptions.TrimEntries))
        {
            fused |= name switch
            {
                "all" => FusedOperations.All,
                "none" => FusedOperations.None,
                "norm" => FusedOperations.Norm,
                "decoder" => FusedOperations.Decoder,
                "loss" => FusedOperations.Loss,
                "optimizer" => FusedOperations.Optimizer,
                "convolution" => FusedOperations.Convolution,
                _ => throw new BadInputException("unknown operations to fuse", name, "Give --fuse all, none, or names from norm, decoder, loss, optimizer and convolution, separated by commas."),
            };
        }

        return fused;
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static T Pick<T>(ParseResult parsed, Option<T> option, T otherwise) => IsGiven(parsed, option) ? parsed.GetValue(option)! : otherwise;

    private static bool Switch(ParseResult parsed, Option<bool> on, Option<bool> off, bool otherwise)
    {
        if (IsGiven(parsed, on) && IsGiven(parsed, off))
        {
            throw new BadInputException("two options contradict each other", $"{on.Name} {off.Name}", "Give one of them.");
        }

        return IsGiven(parsed, off) ? !parsed.GetValue(off) : Pick(parsed, on, otherwise);
    }

    private static string? FullPath(string? path) => path is null ? null : Path.GetFullPath(path);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
