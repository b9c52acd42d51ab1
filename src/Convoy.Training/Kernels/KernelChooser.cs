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
/// <param name="tell">Told, on rank 0, what is measured and where it is kept, and what was passed over.</param>
internal sealed class KernelChooser(TrainingOptions options, ProcessGroup group, string? recorded, KernelCache cache, TimeProvider time, Action<KernelRemark> tell)
{
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

    /// <summary>Refuses a table that cannot be read, before a run's processes start. Whether the processor has its kernels is seen there.</summary>
    /// <param name="path">The table of <c>--fuse FILE</c>, or that of the run that goes on.</param>
    /// <param name="isFile">Which of both.</param>
    /// <exception cref="BadInputException">It cannot be read, or names a kernel that this version does not have.</exception>
    public static void RequireReadable(string path, bool isFile)
    {
        try
        {
            _ = KernelTableFile.Parse(File.ReadAllText(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new BadInputException(Unreadable(path, isFile, error));
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

            string lacks = $"this processor lacks the kernel {missing.Kernel} ({missing.Key.Shape}, {missing.Key.Pass.Name()})";
            if (isFile)
            {
                return new GivenTable(null, $"{lacks}, which {path} names. Give --fuse auto or --fuse fixed.");
            }

            tell(new KernelRemark($"the kernels of {path} are not taken: {lacks}. They are chosen anew; from here on the run is equal to rounding only, not to the bit.", IsWarning: true));
            return GivenTable.None;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return new GivenTable(null, Unreadable(path, isFile, error));
        }
    }

    private KernelTable Measured(IReadOnlyList<ConvolutionKey> keys)
    {
        // Rank 0's keys and what it has of them: all ranks measure the same, at the same time.
        KernelTable kept = group.Rank == 0 ? cache.Read() : KernelTable.Fixed;
        KernelChoice[] known = [.. keys.Select(kept.Find).OfType<KernelChoice>()];
        KernelChoice[] missing = [.. keys.Where(key => kept.Find(key) is null).Select(key => new KernelChoice(key, KernelTable.Names[0]))];
        ConvolutionKey[] measured = [.. Share(missing).Choices.Select(choice => choice.Key)];
        var measurement = new KernelMeasurement(time, Agree);
        bool tells = group.Rank == 0 && measured.Length > 0;
        if (tells)
        {
            tell(new KernelRemark(string.Create(CultureInfo.InvariantCulture, $"Choosing the fastest kernels for {measured.Length} passes of convolutions, up to about {measurement.Budget.TotalSeconds:0} s, once on this machine ...")));
        }

        long start = time.GetTimestamp();
        IReadOnlyList<KernelChoice> found = measurement.Measure(measured);
        if (tells)
        {
            double seconds = time.GetElapsedTime(start).TotalSeconds;
            tell(cache.Add(found) is { } fault
                ? new KernelRemark(string.Create(CultureInfo.InvariantCulture, $"the choice of kernels, which took {seconds:0.0} s, cannot be kept, so the next run makes it again ({cache.File ?? "no home folder"}): {Sentence(fault)} Set {KernelCache.FolderVariable} to a folder that you may write."), IsWarning: true)
                : new KernelRemark(string.Create(CultureInfo.InvariantCulture, $"Chosen in {seconds:0.0} s, kept in {cache.File}")));
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

    private static string Unreadable(string path, bool isFile, Exception error) =>
        $"the table of kernels cannot be read ({path}): {Sentence(error.Message)} {(isFile ? "Give another file, or --fuse auto." : "Remove it to choose anew.")}";

    private static string Sentence(string text) => text.EndsWith('.') ? text : text + ".";

    private sealed record GivenTable(string? Text, string? Fault)
    {
        public static GivenTable None { get; } = new(null, null);
    }
}

/// <summary>A line of what the choice of kernels does.</summary>
/// <param name="Text">The line.</param>
/// <param name="IsWarning">Whether something was passed over, or could not be kept.</param>
internal sealed record KernelRemark(string Text, bool IsWarning = false);
