using System.Text;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of <c>convoy score</c>.</summary>
internal static class ScoreSubjects
{
    private const string Predictions = """
        {"raw_file":"clips/1/20.png","lanes":[[-2,20,18,16],[-2,-2,40,44]],"run_time":20}
        {"raw_file":"clips/2/20.png","lanes":[[10,11.5,12,13]],"run_time":250.5}
        {"raw_file":"clips/3/20.png","lanes":[],"run_time":1,"h_samples":[8,16,24,32]}

        """;

    public static IEnumerable<Subject> Make() =>
    [
        new("predictions", FileForm.Json, "predictions.json")
        {
            Originals = () => [Encoding.UTF8.GetBytes(Predictions)],
            Prepare = folder => System.IO.File.WriteAllText(Path.Combine(folder, "labels.json"), DataSubjects.Labels),
            Read = Score,
        },
        new("scored-labels", FileForm.Json, "labels.json")
        {
            Originals = () => [Encoding.UTF8.GetBytes(DataSubjects.Labels)],
            Prepare = folder => System.IO.File.WriteAllText(Path.Combine(folder, "predictions.json"), Predictions),
            Read = Score,
        },
    ];

    private static bool Score(string folder, int number)
    {
        string[] rule = number % 3 == 0 ? ["--no-time-rule"] : [];
        ConvoyProgram.Run(["score", "--pred", Path.Combine(folder, "predictions.json"), "--gt", Path.Combine(folder, "labels.json"), "--per-frame", Path.Combine(folder, "frames.csv"), .. rule]);
        return true;
    }
}
