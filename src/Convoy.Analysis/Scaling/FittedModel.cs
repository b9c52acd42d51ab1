using Convoy.Analysis.Statistics;
using MathNet.Numerics.Distributions;

namespace Convoy.Analysis.Scaling;

/// <summary>A model with its parameters.</summary>
public sealed class FittedModel
{
    // An interval this wide says that nothing is known; without it, the ends of one for times that follow no law are not finite.
    private const double MostFactor = 1e6;

    private readonly Func<double, double> _seconds;
    private readonly Func<double, double[]> _terms;
    private readonly double[,] _design;
    private readonly double? _relativeSigma;
    private readonly double _quantile;

    /// <param name="model">The law.</param>
    /// <param name="parameters">Its parameters by name, with the unit in the name.</param>
    /// <param name="seconds">The time at a number of processes.</param>
    /// <param name="terms">The terms whose sum the time is, each for a coefficient of 1: what the uncertainty is computed with.</param>
    /// <param name="points">What it was fitted on.</param>
    internal FittedModel(
        ScalingModel model,
        IReadOnlyDictionary<string, double> parameters,
        Func<double, double> seconds,
        Func<double, double[]> terms,
        IReadOnlyList<ScalingPoint> points)
    {
        Model = model;
        Parameters = parameters;
        _seconds = seconds;
        _terms = terms;
        _design = LinearTerms.Design([.. points.Select(p => (double)p.Processes)], terms, [.. points.Select(p => p.WorkSeconds)]);
        int freedom = points.Count - _design.GetLength(1);
        RelativeResidual = Math.Sqrt(points.Sum(p => Math.Pow((Seconds(p.Processes) / p.WorkSeconds) - 1, 2)) / Math.Max(1, freedom));
        double? noise = points.All(p => p.RelativeError is not null) ? Math.Sqrt(points.Average(p => Math.Pow(p.RelativeError!.Value, 2))) : null;
        _relativeSigma = noise is null && freedom < 1 ? null : Math.Max(noise ?? 0, RelativeResidual);
        _quantile = StudentT.InvCDF(0, 1, points.Count, (1 + Bootstrap.Confidence) / 2);
    }

    /// <summary>The law.</summary>
    public ScalingModel Model { get; }

    /// <summary>The parameters by name.</summary>
    public IReadOnlyDictionary<string, double> Parameters { get; }

    /// <summary>The root mean square distance from the measured times, as a share of them, over the points beyond the parameters.</summary>
    public double RelativeResidual { get; }

    /// <summary>The time of the baseline's work on <paramref name="processes"/> processes.</summary>
    public double Seconds(double processes) => _seconds(processes);

    /// <summary>The interval in which a measurement there should lie; null when it is not known.</summary>
    /// <param name="processes">The number of processes.</param>
    /// <param name="modelError">How far off the law itself is, as a share: its leave-one-out error.</param>
    public Interval? PredictionInterval(double processes, double modelError)
    {
        double seconds = Seconds(processes);
        if (_relativeSigma is not { } sigma || NonNegativeLeastSquares.Leverage(_design, [.. _terms(processes).Select(t => t / seconds)]) is not { } leverage)
        {
            return null;
        }

        // Errors are shares of the time, so the interval is a factor to either side and never reaches 0.
        double factor = Math.Min(MostFactor, Math.Exp(_quantile * Math.Sqrt((sigma * sigma * (1 + leverage)) + (modelError * modelError))));
        return new Interval(seconds / factor, seconds * factor);
    }
}

/// <summary>
/// Times as sums of terms with coefficients of 0 or more. All of the models can be written so, which makes every fit a
/// bounded linear one with one minimum. Errors count as shares of the time.
/// </summary>
internal static class LinearTerms
{
    /// <summary>The coefficients that fit <paramref name="seconds"/> best.</summary>
    /// <param name="processes">The numbers of processes.</param>
    /// <param name="seconds">The times there.</param>
    /// <param name="terms">The terms at a number of processes.</param>
    /// <param name="scale">What an error is a share of, one for each time; the time itself when null.</param>
    public static double[] Fit(double[] processes, double[] seconds, Func<double, double[]> terms, double[]? scale = null)
    {
        double[] shares = scale ?? seconds;
        return NonNegativeLeastSquares.Solve(Design(processes, terms, shares), [.. seconds.Zip(shares, (s, by) => s / by)]);
    }

    /// <summary>The rows of terms, each divided by its scale.</summary>
    public static double[,] Design(double[] processes, Func<double, double[]> terms, double[] scale)
    {
        double[][] rows = [.. processes.Select((n, i) => terms(n).Select(t => t / scale[i]).ToArray())];
        var design = new double[rows.Length, rows[0].Length];
        for (int r = 0; r < rows.Length; r++)
        {
            for (int c = 0; c < rows[r].Length; c++)
            {
                design[r, c] = rows[r][c];
            }
        }

        return design;
    }

    /// <summary>The sum of terms times coefficients.</summary>
    public static double Sum(double[] coefficients, double[] terms) => coefficients.Zip(terms, (c, t) => c * t).Sum();
}
