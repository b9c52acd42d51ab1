using Spectre.Console;

namespace Convoy.Cli;

/// <summary>A bar for work on a known number of frames, on a terminal only; it is gone when the work is done.</summary>
internal static class FrameProgress
{
    /// <summary>Does <paramref name="work"/>, which tells how many frames are done, from any thread.</summary>
    /// <param name="console">Where the bar is drawn.</param>
    /// <param name="what">What is being done.</param>
    /// <param name="frames">How many frames there are.</param>
    /// <param name="work">The work.</param>
    public static T Show<T>(IAnsiConsole console, string what, int frames, Func<IProgress<int>?, T> work) =>
        !ConsoleOutput.IsTerminal(console)
            ? work(null)
            : console.Progress().AutoClear(true).Start(context => work(new Bar(context.AddTask(Markup.Escape(what), maxValue: frames))));

    // The base class library's Progress reports from other threads, later.
    private sealed class Bar(ProgressTask task) : IProgress<int>
    {
        public void Report(int value) => task.Value = value;
    }
}
