namespace Convoy.Analysis.Scaling;

/// <summary>A network between the processes, to predict for in place of the one that was measured on.</summary>
/// <param name="GigabitsPerSecond">What one process can send, in 10^9 bits a second; above 0.</param>
/// <param name="LatencyMicroseconds">What one message takes whatever its size; 0 or more.</param>
public sealed record Link(double GigabitsPerSecond, double LatencyMicroseconds)
{
    /// <summary>The time of one all-reduce of <paramref name="bytes"/> bytes between <paramref name="processes"/> processes, as a ring does it.</summary>
    public double AllReduceSeconds(double bytes, double processes)
    {
        double[] terms = CommunicationModel.ExchangeTerms(processes);
        return (terms[0] * LatencyMicroseconds * 1e-6) + (terms[1] * bytes * 8 / (GigabitsPerSecond * 1e9));
    }
}
