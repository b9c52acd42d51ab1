using System.Globalization;
using Convoy.Distributed;
using Convoy.Torch.Convolution;
using Convoy.Training.Options;

namespace Convoy.Training.Kernels;

/// <summary>Gives a network's convolutions their kernels before a run's first step, the same on all ranks: those of the run or the file, of the user's cache, or measured now.</summary>
/// <param name="options">The run's settings.</param>
/// <param name="group">The ranks.</param>
/// <param name="recorded">The file with the kernels that the run has used so far, which is written where it is missing; null where nothing is kept.</param>
/// <param name="cache">The user's cache.</param>
/// <param name="time">The clock.</param>
internal sealed class KernelChooser(TrainingOptions options, ProcessGroup group, string? recorded, KernelCache cache, TimeProvider time)
{
    private readonly List<string> _notes = [];

    /// <summary>What was chosen and from where, a line each; on rank 0.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Sets the kernels. All ranks call it together.</summary>
    /// <param name="kernels">The network's.</param>
    /// <param name="rehearse">A forward pass on the first batch that leaves no trace.</param>
    /// <exception cref="BadInputException">The file of kernels cannot be read, or this processor lacks one of its kernels.</exception>
    public void Choose(ConvolutionKernels kernels, Action rehearse)
    {
        if (!options.Fuse.Has(Torch.Nn.FusedOperations.Convolution))
        {
            return;
        }

        if (Given() is { } given)
        {
            kernels.Table = given;
        }
        else if (options.Fuse.Measures)
        {
            kernels.Table = Measured(kernels.Observe(rehearse));
            Keep(kernels.Table);
        }
    }

    // The table of --fuse FILE, or of the run that goes on; null where neither is.
    private KernelTable? Given()
    {
        GivenTable given = group.BroadcastObject(group.Rank == 0 ? ReadGiven() : GivenTable.None);
        if (given.Fault is { } fault)
        {
            throw new BadInputException(fault);
        }

        return given.Text is null ? null : KernelTableFile.Parse(given.Text);
    }

    private GivenTable ReadGiven()
    {
        bool isFile = options.Fuse.Table is not null;
        if ((options.Fuse.Table ?? (options.Fuse.Measures ? recorded : null)) is not { } path || (!isFile && !File.Exists(path)))
        {
            return GivenTable.None;
        }

        try
        {
            string text = File.ReadAllText(path);
            KernelTable table = KernelTableFile.Parse(text);
            if (table.Unsupported.FirstOrDefault() is not { } missing)
            {
                return new GivenTable(text, null);
            }

            string lacks = $"this processor lacks the kernel {missing.Kernel} ({missing.Key.Shape}, {Name(missing.Key.Pass)})";
            if (isFile)
            {
                return new GivenTable(null, $"{lacks}, which {path} names. Give --fuse auto or --fuse fixed.");
            }

            _notes.Add($"the kernels of {path} are not taken: {lacks}. They are chosen anew; from here on the run is equal to rounding only, not to the bit.");
            return GivenTable.None;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return new GivenTable(null, $"the table of kernels cannot be read ({path}): {error.Message}{(error.Message.EndsWith('.') ? "" : ".")} {(isFile ? "Give another file, or --fuse auto." : "Remove it to choose anew.")}");
        }
    }

    private KernelTable Measured(IReadOnlyList<ConvolutionKey> keys)
    {
        // Rank 0's keys and what it has of them: all ranks measure the same, at the same time.
        KernelTable kept = group.Rank == 0 ? cache.Read() : KernelTable.Fixed;
        KernelChoice[] known = [.. keys.Select(kept.Find).OfType<KernelChoice>()];
        KernelChoice[] missing = [.. keys.Where(key => kept.Find(key) is null).Select(key => new KernelChoice(key, KernelTable.Names[0]))];
        ConvolutionKey[] measured = [.. Share(missing).Choices.Select(choice => choice.Key)];
        long start = time.GetTimestamp();
        IReadOnlyList<KernelChoice> found = new KernelMeasurement(time, Agree).Measure(measured);
        if (group.Rank == 0 && found.Count > 0)
        {
            string? fault = cache.Add(found);
            string where = fault is null ? $"kept in {cache.File}" : $"not kept, so the next run measures again ({cache.File ?? KernelCache.FolderVariable}: {fault})";
            _notes.Add(string.Create(CultureInfo.InvariantCulture, $"kernels of {found.Count} passes of convolutions measured in {time.GetElapsedTime(start).TotalSeconds:0.0} s, {where}"));
        }

        return Share([.. known, .. found]);
    }

    private void Keep(KernelTable table)
    {
        if (group.Rank == 0 && recorded is not null)
        {
            byte[] text = System.Text.Encoding.UTF8.GetBytes(KernelTableFile.Format(table));
            OutputFile.Write(recorded, stream => stream.Write(text));
        }
    }

    private KernelTable Share(IReadOnlyList<KernelChoice> choices) => KernelTableFile.Parse(group.BroadcastObject(KernelTableFile.Format(new KernelTable(choices))));

    private bool Agree(bool wish) => group.BroadcastObject(wish);

    private static string Name(ConvolutionPass pass) => pass switch
    {
        ConvolutionPass.Forward => "forward",
        ConvolutionPass.InputGradient => "gradient of the input",
        _ => "gradient of the weights",
    };

    private sealed record GivenTable(string? Text, string? Fault)
    {
        public static GivenTable None { get; } = new(null, null);
    }
}
