namespace Convoy.Analysis;

/// <summary>
/// What was given to the analysis cannot be analysed. The message is one line: <c>WHAT (value). WHAT TO DO</c>, or for a
/// value outside its range <c>Predict must be at least 1 (got 0).</c>
/// </summary>
public sealed class AnalysisInputException : Exception
{
    /// <param name="problem">What is wrong, without the value and without a full stop.</param>
    /// <param name="value">Where, or the value: a file with its line, a number, what differs.</param>
    /// <param name="remedy">What to do about it: one sentence with its full stop.</param>
    /// <param name="inner">The error that this one explains, if any.</param>
    public AnalysisInputException(string problem, string value, string remedy, Exception? inner = null)
        : base($"{problem} ({value}). {remedy}", inner)
    {
        Problem = problem;
        Value = value;
    }

    /// <param name="message">The whole line.</param>
    public AnalysisInputException(string message)
        : base(message)
    {
        Problem = message;
        Value = "";
    }

    /// <summary>What is wrong.</summary>
    public string Problem { get; }

    /// <summary>Where, or the value; empty when the whole line says it.</summary>
    public string Value { get; }
}
