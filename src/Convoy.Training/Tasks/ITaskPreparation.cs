using System.Text.Json.Nodes;

namespace Convoy.Training.Tasks;

/// <summary>What a task does before its processes start, in the process that starts them. A task implements it where the defaults do not do.</summary>
public interface ITaskPreparation
{
    /// <summary>Checks everything that can be wrong with the task's settings and its data, and counts the samples to train on. It is asked before anything is written, and before <see cref="PrepareData"/>.</summary>
    /// <param name="context">A process of its own.</param>
    /// <exception cref="BadInputException">Something is wrong.</exception>
    int CountSamples(TrainingContext context);

    /// <summary>Makes the data ready, once for all processes: downloads, draws or unpacks it. Default: nothing to do.</summary>
    /// <param name="preparation">Where to put it, and whom to tell how far it is.</param>
    void PrepareData(DataPreparation preparation)
    {
    }

    /// <summary>The data in words, such as <c>96 frames at 800x360</c>. Default null: the number of samples.</summary>
    /// <param name="samples">How many samples there are to train on.</param>
    string? DescribeData(int samples) => null;

    /// <summary>What a run does otherwise from here on than before it was resumed, a line each, where settings of the task were changed. Default: nothing.</summary>
    /// <param name="earlier">The task's settings before, by their names in <c>config.json</c>.</param>
    IEnumerable<string> DescribeChanges(JsonObject earlier) => [];

    /// <summary>What to write on a command line for settings whose value holds in this run only, such as the folder of data that the run drew. Default: nothing differs.</summary>
    /// <param name="folder">The run directory.</param>
    IReadOnlyDictionary<string, string> RecordedValues(string folder) => new Dictionary<string, string>();
}
