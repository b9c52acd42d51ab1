using System.Globalization;
using Convoy.Metrics;

namespace Convoy.Training.Checkpoints;

/// <summary>
/// A run's folder of checkpoints. A name such as <c>step-000120</c> comes and goes by renaming alone, so that a folder that bears
/// one is whole at every instant, whatever ends the process; what is on its way in or out has a hidden name.
/// </summary>
/// <param name="directory">The folder, which may be absent.</param>
public sealed class CheckpointStore(string directory)
{
    private const string Prefix = "step-";
    private const string Unfinished = ".unfinished"; // being written
    private const string Replaced = ".replaced"; // stands in while the folder of the same step takes its place
    private const string Deleted = ".deleted"; // on its way out
    private const string AsideMark = ".set-aside"; // not on the run's way any more, left to the user

    /// <summary>The folder of a step's checkpoint.</summary>
    public string FolderOf(long step) => Path.Combine(directory, NameOf(step));

    /// <summary>Where a step's checkpoint is now, which a killed process may have left under its hidden name; where it would be if there is none.</summary>
    public string Find(long step) => All().Where(entry => entry.Step == step).Select(entry => entry.Folder).FirstOrDefault(FolderOf(step));

    /// <summary>The checkpoints from the oldest to the newest. A folder that a person copied to step-000120-good is none.</summary>
    public IReadOnlyList<(long Step, string Folder)> All()
    {
        if (!Directory.Exists(directory))
        {
            return [];
        }

        var found = new SortedDictionary<long, string>();
        foreach (string folder in Directory.EnumerateDirectories(directory, "*" + Prefix + "*"))
        {
            string name = Path.GetFileName(folder);
            if (StepOf(name) is { } step)
            {
                found[step] = folder;
            }
            else if (name.StartsWith('.') && name.EndsWith(Replaced, StringComparison.Ordinal) && StepOf(name[1..^Replaced.Length]) is { } standIn)
            {
                found.TryAdd(standIn, folder);
            }
        }

        return [.. found.Select(entry => (entry.Key, entry.Value))];
    }

    /// <summary>Undoes what a killed process left half done. Only who writes the run's checkpoints may call it.</summary>
    public void Recover()
    {
        if (!Directory.Exists(directory))
        {
            return;
        }

        foreach (string replaced in Directory.GetDirectories(directory, "." + Prefix + "*" + Replaced))
        {
            string final = Path.Combine(directory, Path.GetFileName(replaced)[1..^Replaced.Length]);
            if (Directory.Exists(final))
            {
                Directory.Delete(replaced, recursive: true);
            }
            else
            {
                Directory.Move(replaced, final);
            }
        }

        foreach (string ending in (string[])[Unfinished, Deleted])
        {
            foreach (string leftover in Directory.GetDirectories(directory, "." + Prefix + "*" + ending))
            {
                Directory.Delete(leftover, recursive: true);
            }
        }
    }

    /// <summary>Puts a checkpoint in, in place of one of the same step.</summary>
    /// <param name="step">Its step.</param>
    /// <param name="write">Writes and flushes its files into the folder that it is given.</param>
    /// <returns>The folder.</returns>
    public string Put(long step, Action<string> write)
    {
        MakeDirectory();
        Recover();
        string final = FolderOf(step);
        string unfinished = Hidden(step, Unfinished), replaced = Hidden(step, Replaced);
        Directory.CreateDirectory(unfinished);
        try
        {
            write(unfinished);
            FolderEntries.Flush(unfinished);
            if (Directory.Exists(final))
            {
                Directory.Move(final, replaced);
            }

            Directory.Move(unfinished, final);
        }
        catch
        {
            Recover();
            throw;
        }

        // Before anything older is deleted.
        FolderEntries.Flush(directory);
        Recover();
        return final;
    }

    /// <summary>Deletes the oldest checkpoints beyond <paramref name="keep"/>, but none that <paramref name="isKept"/> says is to stay.</summary>
    public void DeleteOldest(int keep, Func<long, bool> isKept)
    {
        foreach ((long old, string folder) in All().SkipLast(keep).Where(entry => !isKept(entry.Step)))
        {
            string deleted = Hidden(old, Deleted);
            Directory.Move(folder, deleted);
            Directory.Delete(deleted, recursive: true);
        }
    }

    /// <summary>
    /// Takes what is newer than <paramref name="step"/> off the run's way: it is named <c>step-000120.set-aside</c>, or with a number behind
    /// where an earlier one bears that name. The newest goes first, so that whatever ends the process leaves a run that goes on where it did.
    /// </summary>
    public void SetAsideAfter(long step)
    {
        Recover();
        foreach ((long newer, string folder) in All().Where(entry => entry.Step > step).Reverse())
        {
            string aside = FolderOf(newer) + AsideMark;
            string free = aside;
            for (int number = 2; Path.Exists(free); number++)
            {
                free = string.Create(CultureInfo.InvariantCulture, $"{aside}-{number}");
            }

            Directory.Move(folder, free);
            FolderEntries.Flush(directory);
        }
    }

    /// <summary>The name of a step's checkpoint.</summary>
    public static string NameOf(long step) => Prefix + step.ToString("D6", CultureInfo.InvariantCulture);

    /// <summary>The step of a checkpoint's folder by its name; null for another name.</summary>
    public static long? StepOf(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long step) && name == NameOf(step)
            ? step
            : null;

    private string Hidden(long step, string ending) => Path.Combine(directory, "." + NameOf(step) + ending);

    private void MakeDirectory()
    {
        if (!Directory.Exists(directory))
        {
            Directory.CreateDirectory(directory);
            FolderEntries.Flush(Path.GetDirectoryName(Path.GetFullPath(directory))!);
        }
    }
}
