using System.Globalization;
using Convoy.Distributed;
using Convoy.Torch.Convolution;
using Convoy.Training.Options;

namespace Convoy.Training.Kernels;

/// <summary>Gives a network's convolutions their kernels before a run's first step, the same on all ranks: those of the run or the file, of the user's cache, or measured now.</summary>
/// <param name="options">The run's settings.</param>
/// <param name="group">The ranks.</param>
/// <param name="recorded">The file with the kernels that the run has used so far, which is written where it is missing; null where nothing is kept.</param>
/// <param name="openCache">Opens the user's cache; called on rank 0, where it is needed.</param>
/// <param name="time">The clock.</param>
/// <param name="tell">Told, on rank 0, what is measured and where it is kept, and what was passed over.</param>
internal sealed class KernelChooser(TrainingOptions options, ProcessGroup group, string? recorded, Func<KernelCache> openCache, TimeProvider time, Action<KernelRemark> tell)
{
    private KernelCache Cache => field ??= openCache();

    /// <summary>Sets the kernels. All ranks call it together.</summary>
    /// <param name="kernels">The network's.</param>
    /// <param name="rehearse">A forward pass on the first batch that leaves no trace.</param>
    /// <exception cref="BadInputException">The file of kernels cannot be read, or the processor of a rank lacks one of its kernels; all ranks throw it.</exception>
    public void Choose(ConvolutionKernels kernels, Action rehearse)
    {
        if (!options.Fuse.Has(Torch.Nn.FusedOperations.Convolution))
        {
            return;
        }

        if (options.Fuse.Table is { } file)
        {
            kernels.Table = OfFile(file);
        }
        else if (options.Fuse.Measures)
        {
            KernelTable before = Recorded();
            kernels.Table = Completed(before, kernels.Observe(rehearse));
            if (kernels.Table.Choices.Count > before.Choices.Count)
            {
                Keep(kernels.Table);
            }
        }
    }

    /// <summary>Refuses a table that cannot be read, before a run's processes start. Whether the processor has its kernels is seen there.</summary>
    /// <param name="path">The table of <c>--fuse FILE</c>, or that of the run that goes on.</param>
    /// <param name="isFile">Which of both.</param>
    /// <exception cref="BadInputException">It cannot be read, or names a kernel that this version does not have.</exception>
    public static void RequireReadable(string path, bool isFile)
    {
        if (ReadText(path, isFile).Fault is { } fault)
        {
            throw new BadInputException(fault);
        }
    }

    private KernelTable OfFile(string path)
    {
        KernelTable table = Read(path, isFile: true);
        return Lacking(table) is { } lacks ? throw new BadInputException($"{lacks}, which {path} names. Give --fuse auto or --fuse fixed.") : table;
    }

    // What the run that goes on had; empty where it had nothing, or something that a rank cannot compute.
    private KernelTable Recorded()
    {
        if (!group.BroadcastObject(recorded is not null && File.Exists(recorded)))
        {
            return KernelTable.Fixed;
        }

        KernelTable table = Read(recorded!, isFile: false);
        if (Lacking(table) is not { } lacks)
        {
            return table;
        }

        Warn($"the kernels of {recorded} are not taken: {lacks}. They are chosen anew; from here on the run is equal to rounding only, not to the bit.");
        return KernelTable.Fixed;
    }

    // Rank 0 reads; all ranks throw what is wrong.
    private KernelTable Read(string path, bool isFile)
    {
        GivenTable given = group.BroadcastObject(group.Rank == 0 ? ReadText(path, isFile) : new GivenTable(null, null));
        return KernelTableFile.Parse(given.Text ?? throw new BadInputException(given.Fault!));
    }

    private static GivenTable ReadText(string path, bool isFile)
    {
        try
        {
            string text = File.ReadAllText(path);
            _ = KernelTableFile.Parse(text);
            return new GivenTable(text, null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            return new GivenTable(null, $"the table of kernels cannot be read ({path}): {Sentence(error.Message)} {(isFile ? "Give another file, or --fuse auto." : "Remove it to choose anew.")}");
        }
    }

    // Which kernel of a table which rank cannot compute, in a clause; null where all ranks can compute all. Ranks may be on processors of several kinds.
    private string? Lacking(KernelTable table)
    {
        IReadOnlyList<string> missing = group.AllGatherObject(table.Unsupported.FirstOrDefault() is { } own ? Describe(own) : "");
        int rank = missing.ToList().FindIndex(kernel => kernel.Length > 0);
        return rank < 0 ? null : $"{(group.Size == 1 ? "this processor" : string.Create(CultureInfo.InvariantCulture, $"rank {rank}'s processor"))} lacks the kernel {missing[rank]}";
    }

    // The run's table with what the network needs besides: all of it at the run's start, and later what is new, as after another --precision. A batch of another size is nothing new.
    private KernelTable Completed(KernelTable before, IReadOnlyList<ConvolutionKey> keys)
    {
        // Rank 0's keys and what it has of them: all ranks measure the same, at the same time.
        KernelTable kept = group.Rank == 0 ? Cache.Read() : KernelTable.Fixed;
        ConvolutionKey[] needed = [.. keys.Where(key => !before.Choices.Any(choice => choice.Key.IsSameLayer(key)))];
        KernelChoice[] known = [.. needed.Select(kept.Find).OfType<KernelChoice>()];
        KernelChoice[] missing = [.. needed.Where(key => kept.Find(key) is null).Select(key => new KernelChoice(key, KernelTable.Names[0]))];
        ConvolutionKey[] measured = [.. Share(missing).Choices.Select(choice => choice.Key)];
        return Computable(Share([.. before.Choices, .. known, .. Measure(measured)]));
    }

    private IReadOnlyList<KernelChoice> Measure(ConvolutionKey[] keys)
    {
        var measurement = new KernelMeasurement(time, Agree);
        bool tells = group.Rank == 0 && keys.Length > 0;
        if (tells)
        {
            tell(new KernelRemark(string.Create(CultureInfo.InvariantCulture, $"Choosing the fastest kernels for {keys.Length} passes of convolutions, up to about {measurement.Budget.TotalSeconds:0} s, once on this machine ...")));
        }

        long start = time.GetTimestamp();
        IReadOnlyList<KernelChoice> found = measurement.Measure(keys);
        if (tells)
        {
            double seconds = time.GetElapsedTime(start).TotalSeconds;
            tell(Cache.Add(found) is { } fault
                ? new KernelRemark(string.Create(CultureInfo.InvariantCulture, $"the choice of kernels, which took {seconds:0.0} s, cannot be kept, so the next run makes it again ({Cache.File ?? "no home folder"}): {Sentence(fault)} Set {KernelCache.FolderVariable} to a folder that you may write."), IsWarning: true)
                : new KernelRemark(string.Create(CultureInfo.InvariantCulture, $"Chosen in {seconds:0.0} s, kept in {Cache.File}")));
        }

        return found;
    }

    // What is the fastest on rank 0 may not exist on another rank; then all take the fixed choice there, so that no two ranks round differently.
    private KernelTable Computable(KernelTable table)
    {
        if (Lacking(table) is not { } lacks)
        {
            return table;
        }

        KernelChoice[] choices = [.. table.Choices];
        HashSet<KernelChoice> own = [.. table.Unsupported];
        HashSet<int> left = [.. group.AllGatherObject(Enumerable.Range(0, choices.Length).Where(index => own.Contains(choices[index])).ToArray()).SelectMany(indices => indices)];
        Warn(string.Create(CultureInfo.InvariantCulture, $"{left.Count} of {choices.Length} passes of convolutions run by the fixed choice on all ranks: {lacks}."));
        return new KernelTable(choices.Where((_, index) => !left.Contains(index)));
    }

    private void Warn(string text)
    {
        if (group.Rank == 0)
        {
            tell(new KernelRemark(text, IsWarning: true));
        }
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

    private static string Describe(KernelChoice choice) => $"{choice.Kernel} ({choice.Key.Shape}, {choice.Key.Pass.Name()})";

    private static string Sentence(string text) => text.EndsWith('.') ? text : text + ".";

    private sealed record GivenTable(string? Text, string? Fault);
}

/// <summary>A line of what the choice of kernels does.</summary>
/// <param name="Text">The line.</param>
/// <param name="IsWarning">Whether something was passed over, or could not be kept.</param>
internal sealed record KernelRemark(string Text, bool IsWarning = false);
