using Convoy.Training.Runs;

namespace Convoy.Training.Programs;

/// <summary>Where a session shows its user how far it is.</summary>
public interface ITrainingDisplay : IDisposable
{
    /// <summary>Writes a line.</summary>
    /// <param name="line">The line.</param>
    /// <param name="emphasized">What stands behind it and is to be seen at once, such as a command; nothing by default.</param>
    void Say(string line, string emphasized = "");

    /// <summary>Writes a line that the user should know and that ends nothing.</summary>
    void Warn(string line);

    /// <summary>Writes a line about the processes while they run.</summary>
    void Notice(string line);

    /// <summary>Shows what rank 0 told.</summary>
    void Show(TrainingEvent progress);

    /// <summary>Shows how far the making of data is while <paramref name="work"/> does it.</summary>
    Task ShowPreparation(Func<IProgress<(int Done, int Total)>, Task> work);
}
